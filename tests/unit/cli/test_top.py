"""`top`: what it displays, and collectors that do not answer."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from collector.cli import top
from collector.daemon import wiring
from collector.errors import Retryable, UsageError
from collector.listener.address import ListenAddress
from tests.support.installation import installation

PREFIX = "mist_collector_"


def metrics(frames, at, *, up=1.0):
    mac = {"mac": "5c5b35fc0001", "device_type": "ap"}
    return {
        f"{PREFIX}build_info": [({"version": "1.2.3"}, 1.0)],
        "process_start_time_seconds": [({}, 1000.0)],
        "process_resident_memory_bytes": [({}, 50 * 2**20)],
        f"{PREFIX}stream_frames_received_total": [({}, frames)],
        f"{PREFIX}stream_frames_applied_total": [({}, frames - 3)],
        f"{PREFIX}stream_frames_dropped_total": [({"reason": "not_json"}, 3.0)],
        f"{PREFIX}webhook_events_dropped_total": [
            ({"topic": "alarms", "reason": "duplicate"}, 1.0),
            ({"topic": "audits", "reason": "duplicate"}, 2.0),
        ],
        f"{PREFIX}subscriptions": [({"account": "a", "state": "up"}, 7.0), ({"account": "a", "state": "refused"}, 1.0)],
        f"{PREFIX}connection_up": [
            ({"account": "a", "connection": "a/0"}, up),
            ({"account": "a", "connection": "a/1"}, 0.0),
        ],
        f"{PREFIX}connection_last_message_timestamp_seconds": [({"account": "a", "connection": "a/0"}, at - 2)],
        f"{PREFIX}connection_received_bytes_total": [({"account": "a", "connection": "a/0"}, frames * 1000)],
        f"{PREFIX}connection_breaks_total": [({"account": "a", "connection": "a/1", "reason": "lost"}, 4.0)],
        f"{PREFIX}rest_budget_calls": [({"account": "a"}, 5000.0)],
        f"{PREFIX}rest_budget_used_calls": [({"account": "a"}, 120.0)],
        "mist_device_up": [(mac, 0.0), ({"mac": "5c5b35fc0002", "device_type": "ap"}, 1.0)],
        "mist_device_info": [(mac | {"name": "Lobby"}, 1.0)],
        "mist_device_last_seen_timestamp_seconds": [(mac, at - 600)],
    }


def test_the_display():
    text = "\n".join(top.draw("http://x", metrics(100.0, 2000.0), metrics(160.0, 2002.0), 2.0, 2002.0))
    plain = text.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "mist-collector 1.2.3 at http://x, up 16 min, memory 50.0 MiB" in plain
    (frames,) = [line.split() for line in plain.splitlines() if line.startswith("frames")]
    assert frames == ["frames", "30.0", "160", "157", "3", "not_json"]
    assert "3 duplicate" in plain
    assert "channels: 7 up, 1 refused" in plain
    rows = [line.split() for line in plain.splitlines() if line.startswith("a/")]
    assert rows == [["a/1", "DOWN", "0.0", "never", "4"], ["a/0", "open", "30.0", "2", "s", "ago", "0"]]
    assert "REST a: 120 of 5000 calls used this hour" in plain
    assert "DEVICES: 1 of 2 access points up" in plain
    (device, *_) = [line.split() for line in plain.splitlines() if "5c5b35fc" in line]
    assert device == ["Lobby", "5c5b35fc0001", "ap", "DOWN", "10", "min", "ago"]


def test_a_restart_is_not_a_negative_rate():
    lines = top.draw("x", metrics(1000.0, 2000.0), metrics(10.0, 2002.0), 2.0, 2002.0)
    assert any(line.startswith("frames") and " 0.0 " in line for line in lines)


def test_no_samples():
    assert "DEVICES: none" in top.draw("x", {}, {}, 2.0, 0.0)


def test_missing_labels():
    bare = {name: [({}, 1.0)] for name in metrics(1.0, 1.0)}
    assert any("DEVICES: 1 of 1 ? up" in line for line in top.draw("x", bare, bare, 2.0, 0.0))


@pytest.mark.parametrize(
    ("listen", "tls", "expected"),
    [
        (ListenAddress("0.0.0.0", 9733), False, "http://127.0.0.1:9733"),  # noqa: S104 - never bound
        (ListenAddress("", 9733), False, "http://127.0.0.1:9733"),
        (ListenAddress("::1", 9733), False, "http://[::1]:9733"),
        (ListenAddress("noc", 80), True, "https://noc:80"),
    ],
)
def test_the_local_url(listen, tls, expected):
    assert top.local_url(listen, tls=tls) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [("http://user:secret@noc:9733/x", "http://noc:9733/x"), ("http://noc", "http://noc"), ("http://[x", "http://[x")],
)
def test_without_password(url, expected):
    assert top.without_password(url) == expected


async def test_a_running_collector(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path, monkeypatch, speed=10.0) as here:
        await here.init(webhook=False)
        stop = asyncio.Event()
        ports = asyncio.get_running_loop().create_future()
        daemon = asyncio.ensure_future(
            wiring.run(here.config(), stop=stop, started=lambda one: ports.set_result(one.operator.port))
        )
        try:
            await top.watch(f"http://127.0.0.1:{await ports}", interval_s=1.5, once=True)
        finally:
            stop.set()
            await daemon
        output = capsys.readouterr().out
        assert "main/0            open" in output
        assert "of 4 access points up" in output


async def test_no_answer():
    with pytest.raises(Retryable, match=r"no answer .*; is the collector running\?"):
        await top.watch("http://127.0.0.1:1", interval_s=1.0, once=True)


async def test_an_invalid_url():
    with pytest.raises(UsageError, match="--url nonsense: not a URL"):
        await top.watch("nonsense", interval_s=1.0, once=True)


def exposition(lines):
    return "\n".join(["# TYPE mist_collector_build_info gauge", 'mist_collector_build_info{version="1"} 1', *lines, ""])


async def watch(answer, *, userinfo=""):
    async def metrics(_request):
        return answer() if callable(answer) else answer

    application = web.Application()
    application.router.add_get("/metrics", metrics)
    async with TestServer(application) as server:
        url = str(server.make_url("/")).replace("http://", f"http://{userinfo}")
        await top.watch(url, interval_s=0.01, once=True)


async def test_a_collector_that_requires_authentication():
    with pytest.raises(UsageError, match="--url http://USER:PASSWORD@HOST:PORT") as raised:
        await watch(web.Response(status=401), userinfo="alice:secret@")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=404),
        web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}),
        web.Response(text="<html>"),
        web.Response(text=exposition(["} rubbish {{{"])),
        web.Response(body=b"\xff\xfe\x00"),
    ],
)
async def test_an_answer_that_is_not_that_of_a_collector(answer):
    with pytest.raises(Retryable, match="the answer is not that of a collector"):
        await watch(answer)


async def test_the_password_is_not_displayed(capsys):
    lines = ["# TYPE mist_device_up gauge", 'mist_device_up{mac="\x1b[2J",device_type="ap"} 1', "mist_x NaN"]
    await watch(lambda: web.Response(text=exposition(lines)), userinfo="alice:secret@")
    output = capsys.readouterr().out
    assert "mist-collector 1 at http://127.0.0.1:" in output
    assert "secret" not in output
    assert "\x1b" not in output


async def test_an_answer_that_is_too_large(monkeypatch):
    monkeypatch.setattr(top, "MAX_ANSWER_BYTES", 100)
    with pytest.raises(Retryable, match="not that of a collector"):
        await watch(lambda: web.Response(text=" " * 200 + exposition([])))
