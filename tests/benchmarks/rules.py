"""What the NOC wall costs with and without recording rules, on a fleet of thousands of sites.

`python -m tests.benchmarks.rules [--sites 5000] [--parts] [--rules DIRECTORY]`: a real Prometheus scrapes an exposition
of so many sites, evaluates our rules (or those of another directory, to compare), and is asked for the wall's numbers
both ways: from what the collector gives, and from recorded series. With `--parts` devices have radios, ports, WAN links
and VPN peers, too: 33 series a device, so take fewer sites.
"""

from __future__ import annotations

import argparse
import http.server
import itertools
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
EVERY_S = 30  # the evaluation interval of deploy/prometheus; costs are told a so long time
ROUNDS = 5  # of evaluation, over which costs are averaged
RADIO = (
    ("utilization_ratio", "0.3"), ("noise_floor_dbm", "-92"), ("clients", "4"), ("receive_bytes_total", "@"),
    ("transmit_bytes_total", "@"),
)  # fmt: skip
PORT = (
    "up", "receive_errors_total", "transmit_errors_total", "receive_packets_total", "transmit_packets_total",
    "receive_bytes_total", "transmit_bytes_total", "receive_broadcast_packets_total",
)  # fmt: skip
PORTS = 24
_UP = 'mist_device_up{job="mist-collector"}'
_SITE = "org_id, site_id"
# What the wall shows, in words: (without records, with).
QUESTIONS = {
    "sites that are critical or down": (
        f"count(sum by ({_SITE}) ({_UP}) / count by ({_SITE}) ({_UP}) < 0.75)",
        'sum(org:mist_site_health:count{job="mist-collector", state=~"critical|down"})',
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
        "device:mist_device_up:down",
    ),
}


def exposition(sites: int, *, parts: bool) -> Iterator[str]:
    """One organisation; every seventh site has an access point down, every hundredth is down. "@" grows."""
    yield 'mist_org_info{org_id="o",name="Acme"} 1\n'
    for site in range(sites):
        yield f'mist_site_info{{org_id="o",site_id="s{site:05d}",name="Site {site}",country="DE",timezone="UTC"}} 1\n'
        for place, kind in enumerate(DEVICES):
            ids = f'org_id="o",site_id="s{site:05d}",mac="{site:08x}{place:04x}",device_type="{kind}"'
            up = int(site % 100 != 0 and not (site % 7 == 0 and place == 0))
            yield f"mist_device_up{{{ids}}} {up}\n"
            yield f'mist_device_info{{{ids},name="{kind} {place} of {site}",model="M",version="1",serial="{site}"}} 1\n'
            if parts:
                yield from PARTS[kind](ids.rpartition(",")[0], site)


def ap_parts(ids: str, _site: int) -> Iterator[str]:
    """Three radios."""
    yield f"mist_ap_clients{{{ids}}} 12\n"
    for band in ("2.4", "5", "6"):
        for what, value in RADIO:
            yield f'mist_ap_radio_{what}{{{ids},band="{band}"}} {value}\n'


def switch_parts(ids: str, site: int) -> Iterator[str]:
    """Ports; at every fourth site one of them has errors."""
    for port in range(PORTS):
        bad = port == 0 and site % 4 == 0
        for what in PORT:
            value = "1" if what == "up" else "@" if bad or "errors" not in what else "0"
            yield f'mist_switch_port_{what}{{{ids},port_id="ge-0/0/{port}"}} {value}\n'


def gateway_parts(ids: str, _site: int) -> Iterator[str]:
    """Two WAN links with a VPN peer each."""
    for port in ("ge-0/0/0", "ge-0/0/1"):
        link = f'{ids},node="node0",interface="{port}"'
        yield f'mist_gateway_interface_info{{{link},wan="wan {port}",wan_type="ethernet"}} 1\n'
        yield f"mist_gateway_interface_up{{{link}}} 1\n"
        for way in ("receive", "transmit"):
            yield f"mist_gateway_interface_{way}_bytes_total{{{link}}} @\n"
        peer = f'{ids},port_id="{port}",peer_mac="5c5b35000001",peer_port_id="ge-0/0/0"'
        yield f'mist_vpn_peer_info{{{peer},peer_router="hub"}} 1\n'
        for what, value in (("up", "1"), ("latency_seconds", "0.02"), ("loss_ratio", "0"), ("jitter_seconds", "0.001")):
            yield f"mist_vpn_peer_{what}{{{peer}}} {value}\n"


PARTS = {"ap": ap_parts, "switch": switch_parts, "gateway": gateway_parts}


def serve(text: bytes) -> str:
    """Serve the exposition on loopback; returns its address. Each answer says a larger number for "@"."""
    counts = itertools.count(1_000_000, 30_000)

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text.replace(b"@", b"%d" % next(counts)))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_address[1]}"


class Prometheus(Running):
    """A Prometheus with the rules of a directory."""

    def __init__(self, directory: Path, target: str, rules: Path) -> None:
        scrape = {"job_name": "mist-collector", "static_configs": [{"targets": [target]}]}
        every = {"scrape_interval": f"{EVERY_S}s", "scrape_timeout": "25s", "evaluation_interval": f"{EVERY_S}s"}
        configuration = {"global": every, "scrape_configs": [scrape], "rule_files": [f"{rules.resolve()}/*.yml"]}
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

    def spent(self) -> dict[str, float]:
        """Seconds in every EVERY_S that each rule takes, averaged over some evaluations of its group."""
        seen: dict[tuple[str, str], list[float]] = {}
        for _ in range(ROUNDS):
            time.sleep(EVERY_S)
            for group in self.api("rules")["groups"]:
                for rule in group["rules"]:
                    share = EVERY_S / group["interval"]
                    seen.setdefault((group["name"], rule["name"]), []).append(rule["evaluationTime"] * share)
        means: dict[str, float] = {}
        for (_, name), seconds in seen.items():
            means[name] = means.get(name, 0.0) + sum(seconds) / ROUNDS
        return means


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=5000)
    parser.add_argument("--parts", action="store_true")
    parser.add_argument("--rules", type=Path, default=RULES)
    chosen = parser.parse_args()
    target = serve("".join(exposition(chosen.sites, parts=chosen.parts)).encode())
    with tempfile.TemporaryDirectory() as folder, Prometheus(Path(folder), target, chosen.rules) as prometheus:
        ready = "org:mist_site_health:count"
        eventually(lambda: prometheus.api("query", query=ready)["result"], "rules are evaluated", within_s=180)
        time.sleep(2 * EVERY_S + 2)  # two more evaluations, so that no record is half a round old
        rows = ["| the wall asks for | without rules | with rules |", "|---|---|---|"]
        for name, (before, after) in QUESTIONS.items():
            (ms, samples, series), (ms_after, samples_after, series_after) = map(prometheus.cost, (before, after))
            if series != series_after and chosen.rules == RULES:
                sys.exit(f"{name}: {series} series without, {series_after} with")
            if series != series_after:
                rows.append(f"| {name} | {series} series without, {series_after} with: not comparable | |")
                continue
            rows.append(f"| {name} | {ms:.1f} ms, {samples} samples | {ms_after:.1f} ms, {samples_after} samples |")
        spent = prometheus.spent()
        dearest = sorted(spent, key=spent.__getitem__, reverse=True)[:12]
        sys.stdout.write(
            "\n".join(rows) + f"\n\nAll rules: {sum(spent.values()):.2f} s of every {EVERY_S} s. Dearest:\n"
        )
        sys.stdout.write("".join(f"  {spent[name]:6.2f} s  {name}\n" for name in dearest))


if __name__ == "__main__":
    main()
