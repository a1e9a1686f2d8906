"""Text output, prompts and progress on a terminal."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import typer

from collector import redaction

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

_PROGRESS_INTERVAL_S = 1.0
_LINE_START, _CLEAR_LINE = "\r", "\x1b[K"
_KEPT = "\n\t"


def printable(text: str, *, kept: str = "") -> str:
    """Escape control characters except those in `kept`: text of a peer must not control the terminal."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in kept else one.encode("unicode_escape").decode() for one in text)


def echo(text: str = "", *, err: bool = False) -> None:
    """Print a line. Registered secrets are masked; control characters except line breaks and tabs are escaped.

    Raises:
        OSError: The output cannot be written: a closed pipe, a full disk.
    """
    typer.echo(printable(redaction.mask_registered(text), kept=_KEPT), err=err)


# Prompts


def ask(question: str, *, default: str | None = None, hidden: bool = False) -> str:
    """Prompt for a line of text. Raises typer.Abort on Ctrl-C and at the end of the input."""
    with _interruptible():
        return str(typer.prompt(question, default=default, hide_input=hidden)).strip()


def confirm(question: str, *, default: bool) -> bool:
    """Prompt for yes or no. Raises typer.Abort as `ask` does."""
    with _interruptible():
        return typer.confirm(question, default=default)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C interrupt a prompt; the handler of asyncio would cancel a task that is not scheduled meanwhile."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# Progress: on stderr, and only if that is a terminal


@asynccontextmanager
async def waiting(message: Callable[[], str]) -> AsyncIterator[None]:
    """Show a message with the time elapsed, once a second while the block runs, and erase it at the end."""
    if not sys.stderr.isatty():
        yield
        return
    task = asyncio.create_task(_show_elapsed(message))
    try:
        yield
    finally:
        task.cancel()
        typer.echo(_LINE_START + _CLEAR_LINE, err=True, nl=False)


async def _show_elapsed(message: Callable[[], str]) -> None:
    start = time.monotonic()
    while True:
        await asyncio.sleep(_PROGRESS_INTERVAL_S)
        show_status(f"{message()}, {time.monotonic() - start:.0f} s")


def show_status(text: str) -> None:
    """Replace the current line of the terminal."""
    typer.echo(f"{_LINE_START}{printable(text)}{_CLEAR_LINE}", err=True, nl=False)


@contextmanager
def reading(file: Path) -> Iterator[Callable[[int], None]]:
    """Show a progress bar while `file` is read; yields a function that takes the number of bytes read so far."""
    if not sys.stderr.isatty():
        yield lambda _position: None
        return
    before = 0
    with typer.progressbar(length=file.stat().st_size, label=file.name, file=sys.stderr) as bar:

        def update(position: int) -> None:
            nonlocal before
            if position > before:
                bar.update(position - before)
                before = position

        yield update
