"""From "I have a Mist token" to a running collector with its webhook: the quick start, as processes."""

import json
import time

import pytest

from tests.support import samples
from tests.support.person import Person
from tests.support.processes import COLLECTOR, Running, Simulator, ask, eventually

pytestmark = pytest.mark.e2e


@pytest.fixture
def person(tmp_path):
    (tmp_path / "cloud").mkdir()
    fleet = {"sites": 2, "aps": 3, "switches": 1, "cadence_s": 5, "speed": 3}
    with Simulator(tmp_path / "cloud", **fleet) as cloud:
        yield Person(tmp_path, cloud)


def test_a_quarter_of_an_hour_is_more_than_enough(person):
    cloud, token = person.cloud, {"MIST_API_TOKEN": Simulator.TOKEN}
    urls = ["--api-url", cloud.api_url, "--stream-url", cloud.stream_url]
    began = time.monotonic()

    refused = person.does("init", "-d", "etc", *urls, "--yes", code=2, MIST_API_TOKEN="of-another-cloud")
    assert "of another cloud" in refused
    assert "Next:" in person.does("init", "-d", "etc", *urls, "--yes", **token)
    assert "good" in person.does("check-config", "etc/collector.yaml")
    assert "webhook register" in person.does("doctor", code=2)
    person.does("webhook", "register", "--url", f"http://{person.webhook}/webhook")
    assert "signed" in person.does("webhook", "list")
    assert "It arrived" in person.does("webhook", "ping")
    assert "All is well." in person.does("doctor")

    with Running([*COLLECTOR, "run"], person.folder, "daemon", **person.environ):
        base = f"http://{person.metrics}"
        eventually(lambda: ask(f"{base}/-/ready").status == 200, "the daemon is ready")
        assert "at the running collector" in person.does("webhook", "ping")
        assert "All is well." in person.does("doctor")
        eventually(lambda: len(devices(base)) == 8, "every device is known")
        shown = person.does("top", "--url", base, "--once", "--every", "1")
        assert "6 of 6 access points up, 2 of 2 switches up" in shown
        assert "main/0            open" in shown
        assert " devices " in person.does("tail", "--seconds", "8", "--kind", "stats/devices")
        person.does("record", "fleet.jsonl.gz", "--seconds", "4")
        again = person.does("run", code=2)
        assert "the port is already in use" in again
    books = json.loads(person.does("replay", "fleet.jsonl.gz").splitlines()[-1])
    assert books["received"] == books["applied"] + sum(books["dropped"].values()) > 5
    person.does("webhook", "remove", "--yes")
    assert "has no webhook" in person.does("webhook", "list")
    assert time.monotonic() - began < 15 * 60
    print("\n".join(person.transcript))  # noqa: T201 - shown with `pytest -s`


def devices(base):
    return samples.by_label(samples.of_text(ask(f"{base}/metrics").text), "mist_device_up", "mac")
