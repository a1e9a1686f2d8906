"""`top`: what it makes of two looks at /metrics, and of a collector that is not there."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from collector.cli import top_view, watching
from collector.daemon import wiring
from collector.errors import Fatal, Retryable
from collector.listener.address import ListenAddress
from tests.support.terminal import desk

OWN = "mist_collector_"


def look(frames, at, *, up=1.0):
    mac = {"mac": "5c5b35fc0001", "device_type": "ap"}
    return {
        f"{OWN}build_info": [({"version": "1.2.3"}, 1.0)],
        "process_start_time_seconds": [({}, 1000.0)],
        "process_resident_memory_bytes": [({}, 50 * 2**20)],
        f"{OWN}stream_frames_received_total": [({}, frames)],
        f"{OWN}stream_frames_applied_total": [({}, frames - 3)],
        f"{OWN}stream_frames_dropped_total": [({"reason": "not_json"}, 3.0)],
        f"{OWN}webhook_events_dropped_total": [
            ({"topic": "alarms", "reason": "duplicate"}, 1.0),
            ({"topic": "audits", "reason": "duplicate"}, 2.0),
        ],
        f"{OWN}subscriptions": [({"account": "a", "state": "up"}, 7.0), ({"account": "a", "state": "refused"}, 1.0)],
        f"{OWN}connection_up": [
            ({"account": "a", "connection": "a/0"}, up),
            ({"account": "a", "connection": "a/1"}, 0.0),
        ],
        f"{OWN}connection_last_message_timestamp_seconds": [({"account": "a", "connection": "a/0"}, at - 2)],
        f"{OWN}connection_received_bytes_total": [({"account": "a", "connection": "a/0"}, frames * 1000)],
        f"{OWN}connection_breaks_total": [({"account": "a", "connection": "a/1", "reason": "lost"}, 4.0)],
        f"{OWN}rest_budget_calls": [({"account": "a"}, 5000.0)],
        f"{OWN}rest_budget_used_calls": [({"account": "a"}, 120.0)],
        "mist_device_up": [(mac, 0.0), ({"mac": "5c5b35fc0002", "device_type": "ap"}, 1.0)],
        "mist_device_info": [(mac | {"name": "Lobby"}, 1.0)],
        "mist_device_last_seen_timestamp_seconds": [(mac, at - 600)],
    }


def test_what_it_shows():
    text = "\n".join(top_view.draw("http://x", look(100.0, 2000.0), look(160.0, 2002.0), 2.0, 2002.0))
    plain = text.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "mist-collector 1.2.3 at http://x, running for 16 min, 50.0 MiB" in plain
    (frames,) = [line.split() for line in plain.splitlines() if line.startswith("frames")]
    assert frames == ["frames", "30.0", "160", "157", "3", "not_json"]
    assert "3 duplicate" in plain
    assert "channels: 7 up, 1 refused" in plain
    rows = [line.split() for line in plain.splitlines() if line.startswith("a/")]
    assert rows == [["a/1", "DOWN", "0.0", "never", "4"], ["a/0", "open", "30.0", "2", "s", "ago", "0"]]
    assert "REST a: 120 of 5000 calls of this hour" in plain
    assert "DEVICES: 1 of 2 access points up" in plain
    (worst, *_) = [line.split() for line in plain.splitlines() if "5c5b35fc" in line]
    assert worst == ["Lobby", "5c5b35fc0001", "ap", "DOWN", "10", "min", "ago"]


def test_a_restart_in_between_is_no_negative_rate():
    lines = top_view.draw("x", look(1000.0, 2000.0), look(10.0, 2002.0), 2.0, 2002.0)
    assert any(line.startswith("frames") and " 0.0 " in line for line in lines)


def test_of_a_collector_that_knows_nothing_yet():
    assert "DEVICES: none yet" in top_view.draw("x", {}, {}, 2.0, 0.0)


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        (ListenAddress("0.0.0.0", 9733), "http://127.0.0.1:9733"),  # noqa: S104 - never listened on
        (ListenAddress("", 9733), "http://127.0.0.1:9733"),
        (ListenAddress("::1", 9733), "http://[::1]:9733"),
        (ListenAddress("noc", 80), "http://noc:80"),
    ],
)
def test_where_it_asks(listen, expected):
    assert watching.address(listen) == expected


async def test_a_running_collector(tmp_path, monkeypatch, capsys):
    async with desk(tmp_path, monkeypatch, speed=10.0) as here:
        await here.init(webhook=False)
        stop = asyncio.Event()
        ports = asyncio.get_running_loop().create_future()
        daemon = asyncio.ensure_future(
            wiring.run(here.config(), stop=stop, started=lambda one: ports.set_result(one.operator.port))
        )
        try:
            await watching.watch(f"http://127.0.0.1:{await ports}", every_s=1.5, once=True)
        finally:
            stop.set()
            await daemon
        said = capsys.readouterr().out
        assert "main/0            open" in said
        assert "of 4 access points up" in said


async def test_nobody_answers():
    with pytest.raises(Retryable, match="no collector answers"):
        await watching.watch("http://127.0.0.1:1", every_s=1.0, once=True)


async def test_a_collector_that_asks_for_a_user():
    async def refuse(_request):
        return web.Response(status=401)

    application = web.Application()
    application.router.add_get("/metrics", refuse)
    async with TestServer(application) as server:
        with pytest.raises(Fatal, match="--url http://USER:PASSWORD@HOST:PORT"):
            await watching.watch(str(server.make_url("/")), every_s=1.0, once=True)


async def test_somebody_else_answers(tmp_path, monkeypatch):
    async with desk(tmp_path, monkeypatch) as here:
        with pytest.raises(Retryable, match=r"\(status 404\) is not a collector"):
            await watching.watch(here.cloud.control_url, every_s=1.0, once=True)
