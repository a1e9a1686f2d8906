"""`record` beside a running daemon, then `replay` of the file: it prints what the daemon exposes."""

import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support import samples
from tests.support.processes import COLLECTOR, Daemon, Running, Simulator, ask, eventually

pytestmark = pytest.mark.e2e

STREAMS = {"clients": True, "mxedges": True, "org_insights": True}
APPLIED = re.compile(r"^mist_collector_stream_frames_applied_total(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)
# Not in a recording: the daemon's own metrics, and data polled by REST (ports, alarms).
NOT_RECORDED = re.compile(r"(mist_collector|process|python)_|mist_(switch|gateway)_port_|mist_alarms")


def applied(daemon):
    return int(sum(map(float, APPLIED.findall(ask(f"{daemon.url}/metrics").text))))


def subscribed(cloud):
    return sum(cloud.ask("/")["channels"].values())


def unread(url):
    """Return the number of unread bytes in sockets that are connected to this address."""
    port = f":{urlsplit(url).port:04X}"
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(row[4].split(":")[1], 16) for row in rows if row[2].endswith(port))


def test_a_replay_prints_what_the_daemon_exposes(tmp_path):
    fleet = {"sites": 2, "aps": 3, "switches": 1, "gateways": 1, "mxedges": 1, "cadence_s": 3, "speed": 3}
    with Simulator(tmp_path, **fleet) as cloud:
        cloud.tell("/pause")
        addresses = {"api_url": cloud.api_url, "stream_url": cloud.stream_url}
        with Daemon(tmp_path, **addresses, streams=STREAMS) as daemon:
            daemon.ready()
            channels = subscribed(cloud)
            arguments = ["record", "fleet.jsonl.gz", "--config", "collector.yaml", "--raw", "--seconds", "0"]
            with Running([*COLLECTOR, *arguments], tmp_path, "record") as record:
                eventually(lambda: subscribed(cloud) == 2 * channels, "both are subscribed to all channels")
                cloud.tell("/resume")
                eventually(lambda: applied(daemon) > 60, "frames are applied")
                cloud.tell("/pause")
                sent = cloud.ask("/ledger")["stream"]["sent"]
                eventually(lambda: 2 * applied(daemon) == sum(sent.values()), "the daemon has applied all frames")
                eventually(lambda: unread(cloud.stream_url) == 0, "the recorder has read all frames")
                assert record.end()[0] == 0
            frames = sent["data"] // 2
            live = samples.of_text(ask(f"{daemon.url}/metrics").text)
    replay = [*COLLECTOR, "replay", "fleet.jsonl.gz"]
    done = subprocess.run(replay, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert f'"received":{frames},"applied":{frames},"dropped":{{}}' in done.stderr
    again = samples.of_text(done.stdout)
    assert {key: (value, live.get(key)) for key, value in again.items() if live.get(key) != value} == {}
    missing = {name for name, _ in live.keys() - again.keys()}
    assert {name for name in missing if not NOT_RECORDED.match(name)} == set()
    assert len(again) > 1000
