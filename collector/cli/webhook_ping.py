"""What `webhook ping` does: a test delivery asked for at Mist, and waited for where webhooks arrive."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import aiohttp
import typer

from collector.cli import exits, listening, progress
from collector.cli.webhook_registration import at_owner, named_or_fatal
from collector.errors import Fatal, RemoteError
from collector.mist.delivery import Delivery, parse_delivery

if TYPE_CHECKING:
    from collector.cli.visit import Visit
    from collector.cli.webhook_calls import Registered
    from collector.cli.webhook_registration import Wish
    from collector.config import Config
    from collector.listener.address import ListenAddress

_POLL_S = 0.2
_TIMEOUT = aiohttp.ClientTimeout(total=10.0)
_RECEIVED = re.compile(
    r'^mist_collector_webhook_events_received_total\{[^}]*topic="ping"[^}]*\} ([0-9.e+]+)$', re.MULTILINE
)


async def ping(config: Config, wish: Wish, within_s: float) -> int:
    """Ask, wait, tell; return the exit code. Raises what REST raises."""
    arrived = asyncio.Event()

    def hear(body: bytes) -> None:
        delivery = parse_delivery(body)
        if isinstance(delivery, Delivery) and delivery.topic == "ping":
            arrived.set()

    async with at_owner(config, wish) as (visit, owner):
        webhook = await named_or_fatal(visit, owner, wish.name)
        async with listening.receiving(config, hear) as why_not:
            before = await _count(config.server.listen) if why_not else None
            if why_not and before is None:
                raise Fatal(
                    f"{why_not}, and no collector lets itself be asked on {config.server.listen}: end what holds the "
                    "port, or look whether mist_collector_webhook_events_received_total of the topic ping grows"
                )
            where = "the running collector" if why_not else "this command, for no collector is running"
            typer.echo(f"Asking Mist to post a ping to {webhook.url}; waiting for it at {where} ...")
            await visit.rest.write("POST", f"{webhook.path}/ping", {})
            async with progress.waiting(lambda: f"Nothing yet, of at most {within_s:g} s"):
                came = await _arrives(config, arrived, before, within_s)
            if came:
                typer.echo("It arrived, signed with the right secret.")
                return exits.OK
        await _explain(visit, webhook, within_s)
        return exits.FAILED


async def _arrives(config: Config, arrived: asyncio.Event, before: float | None, within_s: float) -> bool:
    """Wait for the event here, or for the running collector's counter to move."""
    for _ in range(round(within_s / _POLL_S)):
        if arrived.is_set():
            return True
        if before is not None and (await _count(config.server.listen) or 0.0) > before:
            return True
        await asyncio.sleep(_POLL_S)
    return arrived.is_set()


async def _count(listen: ListenAddress) -> float | None:
    """How many pings the running collector has counted; None when none answers."""
    host = "127.0.0.1" if listen.is_wildcard else listen.host
    url = f"http://[{host}]:{listen.port}/metrics" if ":" in host else f"http://{host}:{listen.port}/metrics"
    try:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session, session.get(url) as answer:
            text = await answer.text()
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None
    if "mist_collector_build_info" not in text:
        return None
    return sum(float(value) for value in _RECEIVED.findall(text))


async def _explain(visit: Visit, webhook: Registered, within_s: float) -> None:
    """Say what Mist's own log of deliveries knows."""
    typer.echo(f"mist-collector: no ping arrived within {within_s:g} s.", err=True)
    try:
        rows = [row async for row in visit.rest.search(f"{webhook.path}/events/search", limit=10)]
    except RemoteError:
        rows = []
    last = max(rows, key=lambda row: float(str(row.get("timestamp") or 0)), default=None)
    if last is not None:
        said = f"status {last.get('status_code')}" if last.get("status_code") else str(last.get("error") or "no answer")
        typer.echo(f"  Mist's log of deliveries: {last.get('status')}, {said}", err=True)
    typer.echo("  Is the address right, seen from the internet? Firewall, DNS, certificate, reverse proxy:", err=True)
    typer.echo("  mist-collector doctor knocks at it from here.", err=True)
