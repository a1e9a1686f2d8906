"""What the NOC wall costs with and without recording rules, on a fleet of thousands of sites.

`python -m tests.benchmarks.rules [--sites 5000]`: a real Prometheus scrapes an exposition of so many sites, evaluates
our rules, and is asked for the wall's numbers both ways: from what the collector gives, and from recorded series.
"""

from __future__ import annotations

import argparse
import http.server
import json
import sys
import tempfile
import threading
import time
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode

from tests.support import programs
from tests.support.processes import Running, ask, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES = Path(__file__).resolve().parents[2] / "deploy/prometheus/rules"
DEVICES = ("ap",) * 10 + ("switch", "gateway")
_UP = 'mist_device_up{job="mist-collector"}'
_SITE = "org_id, site_id"
# What the wall shows, in words: (without records, with).
QUESTIONS = {
    "sites that are bad or dark": (
        f"count(sum by ({_SITE}) ({_UP}) / count by ({_SITE}) ({_UP}) < 0.75)",
        'sum(org:mist_site_health:count{job="mist-collector", state=~"bad|dark"})',
    ),
    "devices down, by type": (
        f"count by (device_type) ({_UP}) - sum by (device_type) ({_UP})",
        "sum by (device_type) (org:mist_device_up:count) - sum by (device_type) (org:mist_device_up:sum)",
    ),
    "the worst 50 sites, with their names": (
        (
            f"bottomk(50, sum by ({_SITE}) ({_UP}) / count by ({_SITE}) ({_UP}))"
            f" * on ({_SITE}) group_left (name) mist_site_info"
        ),
        "bottomk(50, site:mist_device_up:ratio)",
    ),
    "devices down, with names of device and site": (
        (
            f"({_UP} == 0) * on (org_id, site_id, mac) group_left (name, model) mist_device_info"
            f' * on ({_SITE}) group_left (site) label_replace(mist_site_info, "site", "$1", "name", "(.*)")'
        ),
        "device:mist_device_up:named == 0",
    ),
}


def exposition(sites: int) -> Iterator[str]:
    """One organisation; every seventh site has an access point down, every hundredth is dark."""
    yield 'mist_org_info{org_id="o",name="Acme"} 1\n'
    for site in range(sites):
        yield f'mist_site_info{{org_id="o",site_id="s{site:05d}",name="Site {site}",country="DE",timezone="UTC"}} 1\n'
        for place, kind in enumerate(DEVICES):
            ids = f'org_id="o",site_id="s{site:05d}",mac="{site:08x}{place:04x}",device_type="{kind}"'
            up = int(site % 100 != 0 and not (site % 7 == 0 and place == 0))
            yield f"mist_device_up{{{ids}}} {up}\n"
            yield f'mist_device_info{{{ids},name="{kind} {place} of {site}",model="M",version="1",serial="{site}"}} 1\n'


def serve(text: bytes) -> str:
    """Serve the exposition on loopback; returns its address."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_address[1]}"


class Prometheus(Running):
    """A Prometheus with the committed rules."""

    def __init__(self, directory: Path, target: str) -> None:
        scrape = {"job_name": "mist-collector", "static_configs": [{"targets": [target]}]}
        every = {"scrape_interval": "15s", "scrape_timeout": "14s", "evaluation_interval": "15s"}
        configuration = {"global": every, "scrape_configs": [scrape], "rule_files": [f"{RULES}/*.yml"]}
        (directory / "prometheus.yml").write_text(json.dumps(configuration))
        command = [programs.require("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb"]
        super().__init__([*command, "--log.format=json", "--web.listen-address=127.0.0.1:0"], directory, "prometheus")

    def __enter__(self) -> Self:
        super().__enter__()
        url = f"http://127.0.0.1:{self.tells(r'Listening on.*127[.]0[.]0[.]1:([0-9]+)')}/-/ready"
        eventually(lambda: ask(url).status == HTTPStatus.OK, "Prometheus has started")
        return self

    def api(self, path: str, **query: str) -> Any:
        """A call of its API."""
        url = f"http://127.0.0.1:{self.tells(r'Listening on.*127[.]0[.]0[.]1:([0-9]+)')}/api/v1"
        return ask(f"{url}/{path}?{urlencode(query)}").json()["data"]

    def cost(self, query: str) -> tuple[float, int, int]:
        """The best of five evaluations in ms, samples looked at, series returned."""
        answers = [self.api("query", query=query, stats="all") for _ in range(5)]
        best = min(answer["stats"]["timings"]["evalTotalTime"] for answer in answers)
        return best * 1000, answers[0]["stats"]["samples"]["totalQueryableSamples"], len(answers[0]["result"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=5000)
    sites = parser.parse_args().sites
    target = serve("".join(exposition(sites)).encode())
    with tempfile.TemporaryDirectory() as folder, Prometheus(Path(folder), target) as prometheus:
        ready = "org:mist_site_health:count"
        eventually(lambda: prometheus.api("query", query=ready)["result"], "rules are evaluated", within_s=180)
        time.sleep(32)  # two more evaluations, so that no record is half a round old
        rows = ["| the wall asks for | without rules | with rules |", "|---|---|---|"]
        for name, (before, after) in QUESTIONS.items():
            (ms, samples, series), (ms_after, samples_after, series_after) = map(prometheus.cost, (before, after))
            if series != series_after:
                sys.exit(f"{name}: {series} series without, {series_after} with")
            rows.append(f"| {name} | {ms:.1f} ms, {samples} samples | {ms_after:.1f} ms, {samples_after} samples |")
        groups = prometheus.api("rules")["groups"]
        spent = sorted(
            ((rule["evaluationTime"], rule["name"]) for group in groups for rule in group["rules"]), reverse=True
        )
        total = sum(seconds for seconds, _ in spent)
        sys.stdout.write(
            "\n".join(rows) + f"\n\nAll {len(spent)} rules: {total:.2f} s of every interval. The dearest:\n"
        )
        sys.stdout.write("".join(f"  {seconds:6.2f} s  {name}\n" for seconds, name in spent[:10]))


if __name__ == "__main__":
    main()
