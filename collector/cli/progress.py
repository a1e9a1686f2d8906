"""Signs of life on stderr for whoever waits at a terminal: nothing where nobody looks, nothing in the first second."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

_EVERY_S = 1.0
_FROM_THE_LEFT, _TO_THE_END = "\r", "\x1b[K"


@asynccontextmanager
async def waiting(words: Callable[[], str]) -> AsyncIterator[None]:
    """Tell every second what is waited for and how long already, while the block runs; then wipe it away."""
    if not sys.stderr.isatty():
        yield
        return
    task = asyncio.create_task(_tell(words))
    try:
        yield
    finally:
        task.cancel()
        typer.echo(_FROM_THE_LEFT + _TO_THE_END, err=True, nl=False)


async def _tell(words: Callable[[], str]) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(_EVERY_S)
        typer.echo(f"{_FROM_THE_LEFT}{words()}, {time.monotonic() - began:.0f} s{_TO_THE_END}", err=True, nl=False)


@contextmanager
def reading(file: Path) -> Iterator[Callable[[int], None]]:
    """A bar that fills as `file` is read; what it gives is called with the number of bytes that are read already."""
    if not sys.stderr.isatty():
        yield lambda _position: None
        return
    before = 0
    with typer.progressbar(length=file.stat().st_size, label=file.name, file=sys.stderr) as bar:

        def read(position: int) -> None:
            nonlocal before
            if position > before:
                bar.update(position - before)
                before = position

        yield read
