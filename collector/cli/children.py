"""Processes that a command starts and that never outlive it."""

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

GRACE_S = 3.0  # between the request to end and the end
_PR_SET_PDEATHSIG = 1  # Linux, prctl(2): the signal a process gets when its parent dies, even by SIGKILL


def _tie_to_parent(parent: int) -> None:
    """In the child, before its program starts: die with the parent, also when that has no chance to say so."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died between the fork and the line above
            os._exit(1)


class Child:
    """One process, as an async context manager: started on entry, ended on exit (SIGTERM, then SIGKILL).

    It stands in its own session, so that Ctrl-C at the terminal reaches the parent alone, which ends its children in
    order. `output` is the file its stdout and stderr go to; None: they stay on this terminal.
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
                preexec_fn=lambda: _tie_to_parent(parent),
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
                async with asyncio.timeout(GRACE_S):
                    await process.wait()
        finally:  # also when the wait itself is cancelled
            if process.returncode is None:
                process.kill()
        await process.wait()

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._started().returncode

    async def wait(self) -> int:
        """Return its exit code when it ends by itself."""
        return await self._started().wait()

    def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process
