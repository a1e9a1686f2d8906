"""What systemd hears, on a real socket."""

import asyncio
import contextlib
import os
import socket

import pytest
from structlog.testing import capture_logs

from collector.daemon.systemd import Notifier, Watchdog
from tests.support.clock import ManualClock


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)  # noqa: FBT003 - the signature of sockets

    def heard(self):
        said = []
        with contextlib.suppress(BlockingIOError):
            while True:
                said += self.socket.recv(4096).decode().split("\n")
        return said


@pytest.fixture
def manager(tmp_path):
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.socket.close()


@pytest.fixture
def environ(tmp_path):
    return {"NOTIFY_SOCKET": str(tmp_path / "notify")}


def test_it_says_ready_and_stopping(manager, environ):
    notifier = Notifier(environ)
    notifier.ready()
    notifier.status("two\nlines " + "x" * 1000)
    notifier.stopping()
    ready, status, *stopping = manager.heard()
    assert ready == "READY=1"
    assert status.startswith("STATUS=two lines xxx")
    assert len(status) < 600
    assert stopping == ["STOPPING=1", "STATUS=stopping"]


def test_an_abstract_socket_is_reached():
    name = f"mist-collector-test-{os.getpid()}"
    manager = Manager(f"\0{name}")
    Notifier({"NOTIFY_SOCKET": f"@{name}"}).ready()
    assert manager.heard() == ["READY=1"]
    manager.socket.close()


def test_without_a_manager_nothing_is_sent_and_nothing_fails():
    notifier = Notifier({"WATCHDOG_USEC": "1000000"})
    notifier.ready()
    assert notifier.watchdog_s is None
    assert not notifier.enabled


def test_a_manager_that_is_gone_is_told_of_once(environ):
    notifier = Notifier(environ)
    with capture_logs() as logged:
        notifier.ready()
        notifier.keep_alive()
    assert [entry["event"] for entry in logged] == ["service_manager_unreachable"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
    ],
)
def test_the_period_of_the_watchdog(environ, more, expected):
    assert Notifier(environ | more).watchdog_s == expected


async def test_the_watchdog_is_petted_only_while_work_gets_on(manager, environ):
    clock, reasons = ManualClock(), []
    notifier = Notifier(environ | {"WATCHDOG_USEC": "60000000"})
    watchdog = Watchdog(notifier, stuck=lambda: list(reasons), summary=lambda: "well", clock=clock)
    task = asyncio.ensure_future(watchdog.run())
    await clock.advance(41)
    assert manager.heard() == ["STATUS=well", "WATCHDOG=1"] * 3
    reasons.append("a task hangs")
    with capture_logs() as logged:
        await clock.advance(60)
        assert manager.heard() == ["STATUS=no progress: a task hangs"] * 3
        reasons.clear()
        await clock.advance(20)
    assert manager.heard() == ["STATUS=well", "WATCHDOG=1"]
    assert [entry["event"] for entry in logged] == ["no_progress", "progress_resumed"]
    task.cancel()
    await asyncio.wait([task])
