"""A whole NOC on this machine: simulated cloud, daemon, Prometheus with our rules, Alertmanager with our routes."""

from __future__ import annotations

import dataclasses
import json
import signal
import time
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode, urlsplit

import yaml
from mist_screens.__main__ import HERE, outputs
from mist_screens.settings import Settings

from tests.support.processes import Daemon, Running, Simulator, ask, eventually

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]
SCRAPE_S = 3
JOB = "mist-collector"

# Waits and windows are minutes and hours for people; a test has seconds. What is compared stays the same.
WINDOWS = {
    "stream_rate": "20s",
    "poll_rate": "100s",
    "client_rate": "40s",
    "event_window": "80s",
    "recent_window": "10m",
    "recent_step": "4s",
    "slow_interval": "3s",
    "names_interval": "3s",
}
THRESHOLDS = {
    "flaps": 3,
    "restarts": 2,
    "port_flaps": 1,
    "radar_events": 3,
    "stream_silent_seconds": 15,
    "site_silent_seconds": 45,
    "nac_denials": 10,
    "signature_failures": 2,
    "inventory_stale_seconds": 90,
}


def hurried(**thresholds: float) -> Settings:
    """The settings with short windows; `thresholds` replace more of them."""
    settings = Settings.read(HERE / "settings.yaml")
    return dataclasses.replace(
        settings, windows=settings.windows | WINDOWS, thresholds=settings.thresholds | THRESHOLDS | thresholds
    )


def write_rules(directory: Path, **thresholds: float) -> None:
    """The rules with those windows, and `for` of a few seconds."""
    directory.mkdir(exist_ok=True)
    for path, text in outputs(hurried(**thresholds)).items():
        if path.endswith(".yml"):
            rules = yaml.safe_load(text)
            for group in rules["groups"]:
                for rule in group["rules"]:
                    if "for" in rule:
                        rule["for"] = f"{2 * SCRAPE_S}s"
            (directory / Path(path).name).write_text(yaml.safe_dump(rules, sort_keys=False))


class Alertmanager(Running):
    """Alertmanager with the routes and inhibitions of deploy/."""

    def __init__(self, program: str, directory: Path) -> None:
        configuration = yaml.safe_load((ROOT / "deploy/alertmanager/alertmanager.yml").read_text())
        configuration["route"] |= {"group_wait": "1s", "group_interval": "1s"}
        (directory / "alertmanager.yml").write_text(yaml.safe_dump(configuration))
        command = [program, "--config.file=alertmanager.yml", "--storage.path=alerts", "--log.format=json"]
        command += ["--cluster.listen-address=", "--web.listen-address=127.0.0.1:0"]
        super().__init__(command, directory, "alertmanager")
        self.address = ""

    def __enter__(self) -> Self:
        super().__enter__()
        self.address = f"127.0.0.1:{self.tells(r'Listening on.*127[.]0[.]0[.]1:([0-9]+)')}"
        eventually(lambda: ask(f"http://{self.address}/-/ready").status == HTTPStatus.OK, "Alertmanager has started")
        return self

    def alerts(self) -> list[dict[str, Any]]:
        """Every alert that it holds."""
        held: list[dict[str, Any]] = ask(f"http://{self.address}/api/v2/alerts").json()
        return held


class NocPrometheus(Running):
    """A Prometheus as deploy/prometheus configures it, in a hurry."""

    def __init__(self, program: str, directory: Path, target: str, alertmanager: str) -> None:
        write_rules(directory / "rules")
        self._target = urlsplit(target).netloc
        found = {"files": ["targets.json"], "refresh_interval": f"{SCRAPE_S}s"}
        configuration = {
            "global": {"scrape_interval": f"{SCRAPE_S}s", "evaluation_interval": f"{SCRAPE_S}s"},
            "rule_files": ["rules/*.yml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
            "scrape_configs": [{"job_name": JOB, "file_sd_configs": [found]}],
        }
        (directory / "prometheus.yml").write_text(json.dumps(configuration))
        command = [program, "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb", "--log.format=json"]
        command += ["--rules.alert.resend-delay=5s", "--web.listen-address=127.0.0.1:0"]
        super().__init__(command, directory, "prometheus")
        self.url = ""
        self.discover()

    def __enter__(self) -> Self:
        super().__enter__()
        self.url = f"http://127.0.0.1:{self.tells(r'Listening on.*127[.]0[.]0[.]1:([0-9]+)')}"
        eventually(lambda: ask(f"{self.url}/-/ready").status == HTTPStatus.OK, "Prometheus has started")
        return self

    def discover(self, *, nothing: bool = False) -> None:
        """Let service discovery find the daemon, or nothing."""
        found = [] if nothing else [{"targets": [self._target]}]
        new = self.directory / "targets.new"
        new.write_text(json.dumps(found))
        new.replace(self.directory / "targets.json")  # whole or not at all

    def limit(self, **thresholds: float) -> None:
        """Read the rules anew, with these thresholds."""
        write_rules(self.directory / "rules", **thresholds)
        self.process.send_signal(signal.SIGHUP)

    def ask(self, path: str, **query: str) -> Any:
        """A call of its API."""
        answer = ask(f"{self.url}/api/v1/{path}?{urlencode(query)}").json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The result of an instant query."""
        found: list[dict[str, Any]] = self.ask("query", query=expression)["result"]
        return found

    def lately(self, expression: str) -> list[dict[str, Any]]:
        """The result over the last five minutes."""
        now = time.time()
        span = {"start": f"{now - 300:.3f}", "end": f"{now:.3f}", "step": "6"}
        found: list[dict[str, Any]] = self.ask("query_range", query=expression, **span)["result"]
        return found

    def answer(self, expression: str) -> list[dict[str, Any]]:
        """The result of an instant query; an empty one is asked for again, for a busy machine may miss a scrape."""
        for _ in range(4):
            if found := self.query(expression):
                return found
            time.sleep(SCRAPE_S)
        return []

    def rule_faults(self) -> dict[str, str]:
        """The last error of every rule that has one, by name."""
        rules = [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]
        return {rule["name"]: rule["lastError"] for rule in rules if rule.get("lastError")}


class NocDaemon(Daemon):
    """A daemon that can die and come back where it was."""

    def stay(self) -> None:
        """Take the same ports at the next start."""
        file = self.directory / "collector.yaml"
        configuration = json.loads(file.read_text())
        for section, url in (("server", self.url), ("webhook", self.webhook_url)):
            configuration[section]["listen"] = urlsplit(url).netloc
        file.write_text(json.dumps(configuration))

    def die(self) -> None:
        """End it without a word to anybody."""
        self.process.kill()
        self.process.wait()

    def come_back(self) -> None:
        """Start it again."""
        self.__enter__()
        self.ready()


class Noc:
    """All of it, as one context manager. `fleet` are flags of `simulate`."""

    def __init__(self, directory: Path, programs: Mapping[str, str], **fleet: object) -> None:
        self._directory, self._programs, self._fleet = directory, programs, fleet
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            directory = self._directory
            self.cloud = stack.enter_context(Simulator(directory, **self._fleet))
            daemon = NocDaemon(
                directory,
                api_url=self.cloud.api_url,
                stream_url=self.cloud.stream_url,
                streams={"clients": True, "mxedges": True, "org_insights": True, "location": {"clients": True}},
                polls={"zones": True, "assets": True, "every_s": dict.fromkeys(POLLED, 30)},
                inventory={"refresh_s": 30},
            )
            self.daemon = stack.enter_context(daemon).ready()
            self.daemon.stay()
            program = self._programs["prometheus-alertmanager"]
            self.alertmanager = stack.enter_context(Alertmanager(program, directory))
            self.prometheus = stack.enter_context(
                NocPrometheus(self._programs["prometheus"], directory, self.daemon.url, self.alertmanager.address)
            )
            (self.org,) = self.cloud.ask("/fleet")
            self._make_webhooks()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _make_webhooks(self) -> None:
        """One of the organisation, and of each site what an organisation cannot have: service levels, occupancy."""
        topics = self.cloud.rest("/const/webhook_topics")
        url, secret = self.daemon.webhook_url, self.daemon.SECRET
        of_org = [topic["key"] for topic in topics if topic.get("for_org")]
        self.cloud.make_webhook(f"/orgs/{self.org['id']}", url, secret, of_org)
        of_site = [topic["key"] for topic in topics if topic["key"] not in (*of_org, "ping")]
        for site in self.sites:
            self.cloud.make_webhook(f"/sites/{site['id']}", url, secret, of_site)

    @property
    def sites(self) -> list[dict[str, str]]:
        """Id and name of each site, in the order in which scenarios count them."""
        found: list[dict[str, str]] = self.org["sites"]
        return found

    def play(self, name: str, site: int = 0) -> list[str]:
        """Begin a scenario; return the alerts that it should make fire."""
        alerts: list[str] = self.cloud.tell("/scenario", name=name, site=site)["alerts"]
        return alerts

    def end(self, name: str) -> None:
        """End every play of this name."""
        ask(f"{self.cloud.control_url}/scenario?{urlencode({'name': name})}", method="DELETE").json()

    def firing(self) -> list[dict[str, Any]]:
        """The labels of our alerts that fire, with the state that Alertmanager gives them as `state_`."""
        return [
            alert["labels"] | {"state_": alert["status"]["state"]} | {"annotations_": alert["annotations"]}
            for alert in self.alertmanager.alerts()
        ]


POLLED = (
    "alarms", "silent_devices", "ports", "wan_tunnels", "vpn_peers", "bgp_peers", "mxedges", "mxtunnels", "org_stats",
    "site_stats", "sle", "zones", "assets",
)  # fmt: skip
