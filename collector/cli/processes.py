"""Child processes that end with the command that started them."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

TERMINATION_GRACE_S = 3.0  # between SIGTERM and SIGKILL
_PR_SET_PDEATHSIG = 1  # prctl(2): the signal a process receives when its parent ends, even by SIGKILL


def _end_with_parent(parent: int) -> None:
    """Run in the child before its program: have the kernel send SIGTERM when the parent ends (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended between the fork and the line above
            os._exit(1)


class ChildProcess:
    """A process as an async context manager: started on entry, terminated on exit (SIGTERM, then SIGKILL).

    It runs in its own session: Ctrl-C on the terminal reaches the parent only, which ends its children in order.

    Args:
        name: For error messages.
        command: Program and arguments.
        output: File for stdout and stderr; None to inherit those of the parent.
    """

    def __init__(self, name: str, command: list[str], *, output: Path | None = None) -> None:
        self.name = name
        self._command = command
        self._output = output
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        parent = os.getpid()
        output = os.open(self._output, os.O_WRONLY | os.O_CREAT, 0o600) if self._output else None
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=lambda: _end_with_parent(parent),
            )
        finally:
            if output is not None:
                os.close(output)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        process = self._started()
        if process.returncode is not None:
            return
        try:
            process.terminate()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TERMINATION_GRACE_S):
                    await process.wait()
        finally:  # also if the wait is cancelled
            if process.returncode is None:
                process.kill()
        await process.wait()

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None while the process runs."""
        return self._started().returncode

    async def wait(self) -> int:
        """Wait for the end of the process and return its exit code."""
        return await self._started().wait()

    def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process
