"""The quick start as processes: from an API token to a running collector with its webhook."""

import json

import pytest

from tests.support import samples
from tests.support.processes import COLLECTOR, Running, Simulator, ask, eventually
from tests.support.user import User

pytestmark = pytest.mark.e2e


@pytest.fixture
def user(tmp_path):
    (tmp_path / "cloud").mkdir()
    fleet = {"sites": 2, "aps": 3, "switches": 1, "cadence_s": 5, "speed": 3}
    with Simulator(tmp_path / "cloud", **fleet) as cloud:
        yield User(tmp_path, cloud)


def test_the_quick_start(user):
    cloud, token = user.cloud, {"MIST_API_TOKEN": Simulator.TOKEN}
    urls = ["--api-url", cloud.api_url, "--stream-url", cloud.stream_url]

    rejected = user.run("init", "-d", "etc", *urls, "--yes", code=2, MIST_API_TOKEN="of-another-cloud")
    assert "of another cloud" in rejected
    assert "Next:" in user.run("init", "-d", "etc", *urls, "--yes", **token)
    assert "valid" in user.run("check-config", "etc/collector.yaml")
    assert "webhook register" in user.run("doctor", code=2)
    user.run("webhook", "register", "--url", f"http://{user.webhook}/webhook")
    assert "signed" in user.run("webhook", "list")
    assert "The delivery arrived" in user.run("webhook", "ping")
    assert "All checks passed." in user.run("doctor")

    with Running([*COLLECTOR, "run"], user.directory, "daemon", **user.environ):
        base = f"http://{user.metrics}"
        eventually(lambda: ask(f"{base}/-/ready").status == 200, "the daemon is ready")
        assert "at the running collector" in user.run("webhook", "ping")
        assert "All checks passed." in user.run("doctor")
        eventually(lambda: len(devices(base)) == 8, "every device is exposed")
        shown = user.run("top", "--url", base, "--once", "--every", "1")
        assert "6 of 6 access points up, 2 of 2 switches up" in shown
        assert "main/0            open" in shown
        assert " devices " in user.run("tail", "--seconds", "8", "--kind", "stats/devices")
        user.run("record", "fleet.jsonl.gz", "--seconds", "4")
        again = user.run("run", code=2)
        assert "the port is already in use" in again
    counts = json.loads(user.run("replay", "fleet.jsonl.gz").splitlines()[-1])
    assert counts["received"] == counts["applied"] + sum(counts["dropped"].values()) > 5
    user.run("webhook", "remove", "--yes")
    assert "has no webhook" in user.run("webhook", "list")
    print("\n".join(user.transcript))  # noqa: T201 - shown with `pytest -s`


def devices(base):
    return samples.by_label(samples.of_text(ask(f"{base}/metrics").text), "mist_device_up", "mac")
