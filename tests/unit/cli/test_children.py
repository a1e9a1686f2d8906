"""Child processes: ended in any case, also when they do not want to, also when the parent is killed."""

import asyncio
import os
import signal
import sys

import pytest

from collector.cli import children
from collector.cli.children import Child

SLEEP = "import signal; print('up', flush=True); signal.pause()"
STUBBORN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
while True:
    signal.pause()
"""
# Starts a child of its own, tells its pid, and is then killed without any chance to end it.
PARENT = """
import asyncio, os, sys
from collector.cli.children import Child

SLEEP = "import os, signal; print(os.getpid(), flush=True); signal.pause()"

async def main():
    async with Child("grandchild", [sys.executable, "-c", SLEEP]):
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def up(path):
    """Wait until the child has written its first line."""
    while not path.read_text():  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(0.01)


async def test_a_child_is_asked_to_end(tmp_path):
    async with Child("sleeper", [sys.executable, "-c", SLEEP], output=tmp_path / "out") as child:
        await up(tmp_path / "out")
        assert child.exit_code is None
    assert child.exit_code == -signal.SIGTERM


async def test_a_child_that_does_not_end_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(children, "GRACE_S", 0.01)
    async with Child("stubborn", [sys.executable, "-c", STUBBORN], output=tmp_path / "out") as child:
        await up(tmp_path / "out")
    assert child.exit_code == -signal.SIGKILL


async def test_a_child_that_ended_by_itself_is_told(tmp_path):
    async with Child("short", [sys.executable, "-c", "raise SystemExit(3)"]) as child:
        assert await child.wait() == 3
    assert child.exit_code == 3


async def test_ctrl_c_reaches_the_parent_alone(tmp_path):
    async with Child("sleeper", [sys.executable, "-c", SLEEP], output=tmp_path / "out") as child:
        await up(tmp_path / "out")
        assert os.getsid(child._started().pid) != os.getsid(0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
async def test_a_child_does_not_outlive_a_parent_that_was_killed(tmp_path):
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, stdout=asyncio.subprocess.PIPE)
    grandchild = os.pidfd_open(int(await parent.stdout.readline()))
    gone = asyncio.Event()
    asyncio.get_running_loop().add_reader(grandchild, gone.set)
    parent.kill()
    await parent.wait()
    await gone.wait()
    asyncio.get_running_loop().remove_reader(grandchild)
    os.close(grandchild)
