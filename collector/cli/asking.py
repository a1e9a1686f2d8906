"""Questions at a terminal, asked from within asynchronous commands: Ctrl-C ends them at once, as everywhere."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator


def text(question: str, *, default: str | None = None, hidden: bool = False) -> str:
    """One line; raises typer.Abort at Ctrl-C and where nobody answers."""
    with _interruptible():
        return str(typer.prompt(question, default=default, hide_input=hidden)).strip()


def yes(question: str, *, default: bool) -> bool:
    """Yes or no; raises typer.Abort as `text` does."""
    with _interruptible():
        return typer.confirm(question, default=default)


@contextmanager
def _interruptible() -> Iterator[None]:
    """While a question waits, Ctrl-C interrupts it; asyncio would only cancel a task that never gets a turn."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
