"""What `top` does: read /metrics of a running collector again and again, and draw it."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from typing import TYPE_CHECKING

import aiohttp
import typer
from prometheus_client.parser import text_string_to_metric_families

from collector.cli import top_view
from collector.errors import Fatal, Retryable, UsageError

if TYPE_CHECKING:
    from collector.cli.top_view import Samples
    from collector.listener.address import ListenAddress

DEFAULT = "http://127.0.0.1:9733"
_ASKED = "/metrics?collect[]=collector&collect[]=device"
_ASKS_WHO = 401
_TIMEOUT = aiohttp.ClientTimeout(total=30.0)
_HOME, _CLEAR_REST = "\x1b[H", "\x1b[J"
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"  # the other screen, without a cursor


def address(listen: ListenAddress, *, tls: bool = False) -> str:
    """Where to ask a collector that listens there, from this machine."""
    host = "127.0.0.1" if listen.is_wildcard else listen.host
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{listen.port}" if ":" in host else f"{scheme}://{host}:{listen.port}"


async def watch(url: str, *, every_s: float, once: bool) -> None:
    """Draw until Ctrl-C, or once. Raises Retryable when nobody answers, UsageError for what is no address."""
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"--url {url} is not an address: http://HOST:9733, or https://")
    base = url.rstrip("/")
    live = sys.stdout.isatty() and not once
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        before, before_at = await _read(session, base), time.monotonic()
        if live:
            typer.echo(_ENTER, nl=False)
        try:
            while True:
                await asyncio.sleep(every_s)
                now, now_at = await _read(session, base), time.monotonic()
                width, height = shutil.get_terminal_size()
                lines = top_view.draw(base, before, now, now_at - before_at, time.time())
                if not live:
                    typer.echo("\n".join(lines))
                    return
                typer.echo(
                    _HOME + "".join(f"{line[:width]}\x1b[K\n" for line in lines[: height - 1]) + _CLEAR_REST, nl=False
                )
                before, before_at = now, now_at
        finally:
            if live:
                typer.echo(_LEAVE, nl=False)


async def _read(session: aiohttp.ClientSession, base: str) -> Samples:
    """Every sample of one look, by name. Raises Retryable with what to do."""
    try:
        async with session.get(base + _ASKED, headers={"Accept": "text/plain"}) as answer:
            text = await answer.text()
            status = answer.status
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise Retryable(
            f"no collector answers ({str(error) or 'no answer in time'}): is it running?", where=base
        ) from None
    if status == _ASKS_WHO:
        raise Fatal("the collector asks for a user: --url http://USER:PASSWORD@HOST:PORT", where=base)
    if status != 200 or "mist_collector_build_info" not in text:  # noqa: PLR2004 - HTTP
        raise Retryable(f"what answers there (status {status}) is not a collector", where=base)
    samples: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return samples
