"""Child processes end in any case: if they ignore SIGTERM, and if the parent is killed."""

import asyncio
import os
import signal
import sys

import pytest

from collector.cli import processes
from collector.cli.processes import ChildProcess

SLEEP = "import signal; print('up', flush=True); signal.pause()"
IGNORES_SIGTERM = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
while True:
    signal.pause()
"""
# Starts a child that prints its pid; the parent is then killed without a chance to end the child.
PARENT = """
import asyncio, os, sys
from collector.cli.processes import ChildProcess

SLEEP = "import os, signal; print(os.getpid(), flush=True); signal.pause()"

async def main():
    async with ChildProcess("grandchild", [sys.executable, "-c", SLEEP]):
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def started(path):
    """Wait until the child has written its first line."""
    while not path.read_text():  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(0.01)


async def test_a_child_is_terminated(tmp_path):
    async with ChildProcess("sleeper", [sys.executable, "-c", SLEEP], output=tmp_path / "out") as child:
        await started(tmp_path / "out")
        assert child.exit_code is None
    assert child.exit_code == -signal.SIGTERM


async def test_a_child_that_ignores_sigterm_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "TERMINATION_GRACE_S", 0.01)
    async with ChildProcess("stubborn", [sys.executable, "-c", IGNORES_SIGTERM], output=tmp_path / "out") as child:
        await started(tmp_path / "out")
    assert child.exit_code == -signal.SIGKILL


async def test_the_exit_code_of_a_child():
    async with ChildProcess("short", [sys.executable, "-c", "raise SystemExit(3)"]) as child:
        assert await child.wait() == 3
    assert child.exit_code == 3


async def test_a_child_does_not_receive_ctrl_c(tmp_path):
    async with ChildProcess("sleeper", [sys.executable, "-c", SLEEP], output=tmp_path / "out") as child:
        await started(tmp_path / "out")
        assert os.getsid(child._started().pid) != os.getsid(0)


def test_a_child_that_was_not_started():
    with pytest.raises(RuntimeError, match="sleeper was not started"):
        _ = ChildProcess("sleeper", ["x"]).exit_code


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can signal a child when its parent ends")
async def test_a_child_ends_with_a_parent_that_was_killed():
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, stdout=asyncio.subprocess.PIPE)
    grandchild = os.pidfd_open(int(await parent.stdout.readline()))
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(grandchild, ended.set)
    parent.kill()
    await parent.wait()
    await ended.wait()
    asyncio.get_running_loop().remove_reader(grandchild)
    os.close(grandchild)
