"""Processes at work, asked over a pipe: one JSON line a question, one JSON line an answer.

A role is an async context manager, found by name in `child.ROLES`; it yields the questions that it answers, each a
function or a coroutine function.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 5.0


class ChildFailed(RuntimeError):  # noqa: N818 - reads as what happened
    """A child process could not answer; the text holds its traceback."""


class Child:
    """A process in a role. Use as a context manager; `ask` waits for the answer."""

    def __init__(self, role: str, *, environ: Mapping[str, str] | None = None, **settings: Any) -> None:
        self.role = role
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.child", role, json.dumps(settings)],
            cwd=ROOT,
            env={**os.environ, **(environ or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, question: str, **arguments: Any) -> Any:
        """Put one question and wait for its answer; ChildFailed when there is none."""
        self.put(question, **arguments)
        return self.take()

    def put(self, question: str, **arguments: Any) -> None:
        """Put a question whose answer is taken later."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps([question, arguments]) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise ChildFailed(f"{self.role} has ended") from None

    def take(self) -> Any:
        """Wait for the answer to the question put."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ChildFailed(f"{self.role} ended without an answer")
        answer = json.loads(line)
        if "failed" in answer:
            raise ChildFailed(f"{self.role}: {answer['failed']}")
        return answer["answer"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


async def answer(questions: Mapping[str, Callable[..., Any]]) -> None:
    """Answer until the parent closes the pipe. Runs in the child, on the loop where its work is done."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        question, arguments = json.loads(line)
        try:
            found = questions[question](**arguments)
            reply = {"answer": await found if inspect.isawaitable(found) else found}
        except Exception:  # noqa: BLE001 - the parent tells it
            reply = {"failed": traceback.format_exc()}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


def rss_bytes() -> int:
    """Resident memory of this process, now; Linux only, 0 elsewhere."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def spent() -> float:
    """CPU seconds of this process, user and system, all threads."""
    return time.process_time()
