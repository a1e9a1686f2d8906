"""The command `top`: display the state of a running collector, from its metrics."""

from __future__ import annotations

import asyncio
import math
import shutil
import sys
import time
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import aiohttp
import typer
from prometheus_client.parser import text_string_to_metric_families

from collector import redaction
from collector.cli import exits
from collector.cli.options import CONFIG_VARIABLE
from collector.cli.terminal import echo, printable
from collector.errors import Retryable, UsageError
from collector.serve import humanize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from collector.listener.address import ListenAddress

Samples = dict[str, list[tuple[dict[str, str], float]]]  # labels and value, by sample name

DEFAULT_URL = "http://127.0.0.1:9733"
MAX_ANSWER_BYTES = 256 * 2**20
_UNAUTHORIZED = 401
_OK = 200
_TIMEOUT = aiohttp.ClientTimeout(total=30.0)
_HOME, _CLEAR_REST, _CLEAR_LINE = "\x1b[H", "\x1b[J", "\x1b[K"
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"  # the alternate screen, without a cursor
_PREFIX = "mist_collector_"
_DEVICES_SHOWN = 10
_CONNECTIONS_SHOWN = 8
_DEVICE_TYPES = {"ap": ("access point",), "switch": ("switch", "switches"), "mxedge": ("Mist Edge",)}


def top(
    *,
    url: Annotated[
        str | None, typer.Option("--url", help="Address of the collector, e.g. http://127.0.0.1:9733")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", metavar="FILE", envvar=CONFIG_VARIABLE, help="Take the address from this configuration."
        ),
    ] = None,
    every: Annotated[float, typer.Option("--every", min=0.2, help="Seconds between two updates.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Print one update and exit.")] = False,
) -> None:
    """Display message rates, connections, the REST budget and the devices that are down, of a running collector.

    The data are read from /metrics. If stdout is not a terminal, one update is printed.

    Exit codes: 0 at Ctrl-C; 1 the collector does not answer; 2 the configuration or the address is invalid.

    Example: mist-collector top --url http://127.0.0.1:9733
    """
    if url is None:
        server = exits.load_or_exit(config).server if config else None
        url = local_url(server.listen, tls=server.web_config_file is not None) if server else DEFAULT_URL
    exits.run_or_exit(watch(url, interval_s=every, once=once))


def local_url(listen: ListenAddress, *, tls: bool = False) -> str:
    """Return the URL of a listener for a client on the same machine."""
    host = "127.0.0.1" if listen.is_wildcard else listen.host
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{listen.port}" if ":" in host else f"{scheme}://{host}:{listen.port}"


async def watch(url: str, *, interval_s: float, once: bool) -> None:
    """Display the collector at `url` until Ctrl-C, or once.

    Raises:
        UsageError: The URL is invalid, or the collector requires a user name and password.
        Retryable: The collector does not answer.
    """
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"--url {url}: not a URL, e.g. {DEFAULT_URL}")
    base = url.rstrip("/")
    title = without_password(base)
    is_live = sys.stdout.isatty() and not once
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        before, before_at = await read_samples(session, base, "collector", "device"), time.monotonic()
        if is_live:
            typer.echo(_ENTER, nl=False)
        try:
            while True:
                await asyncio.sleep(interval_s)
                now, now_at = await read_samples(session, base, "collector", "device"), time.monotonic()
                lines = list(map(printable, draw(title, before, now, now_at - before_at, time.time())))
                if not is_live:
                    echo("\n".join(lines))
                    return
                width, height = shutil.get_terminal_size()
                screen = "".join(f"{line[:width]}{_CLEAR_LINE}\n" for line in lines[: height - 1])
                typer.echo(_HOME + screen + _CLEAR_REST, nl=False)
                before, before_at = now, now_at
        finally:
            if is_live:
                typer.echo(_LEAVE, nl=False)


def without_password(url: str) -> str:
    """Return a URL without user name and password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return redaction.redact_text(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


async def read_samples(session: aiohttp.ClientSession, base: str, *parts: str) -> Samples:
    """Read metrics of a collector.

    Args:
        session: HTTP client.
        base: URL of the collector.
        parts: Parts of the exposition to request, see `collect[]`.

    Raises:
        Retryable: There is no answer, or not that of a collector.
        UsageError: The collector requires a user name and password.
    """
    where = without_password(base)
    url = f"{base}/metrics?{'&'.join(f'collect[]={part}' for part in parts)}"
    body = bytearray()
    try:
        async with session.get(url, headers={"Accept": "text/plain"}, allow_redirects=False) as answer:
            async for chunk in answer.content.iter_any():
                body += chunk
                if answer.status != _OK or len(body) > MAX_ANSWER_BYTES:
                    break
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise Retryable(f"no answer ({str(error) or 'timeout'}); is the collector running?", where=where) from None
    if answer.status == _UNAUTHORIZED:
        raise UsageError(f"{where}: the collector requires authentication; use --url http://USER:PASSWORD@HOST:PORT")
    is_complete = answer.status == _OK and len(body) <= MAX_ANSWER_BYTES
    samples = _parsed(body.decode("utf-8", "replace")) if is_complete else {}
    if f"{_PREFIX}build_info" not in samples:
        raise Retryable("the answer is not that of a collector", where=where, status=answer.status)
    return samples


def _parsed(text: str) -> Samples:
    """Return the samples with finite values; nothing if the text is not an exposition."""
    samples: Samples = {}
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if math.isfinite(sample.value):
                    samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    except (ValueError, KeyError, IndexError):
        return {}
    return samples


# Display


def draw(title: str, before: Samples, now: Samples, seconds: float, unix: float) -> list[str]:
    """Return the display, line by line.

    Args:
        title: Address of the collector.
        before: Samples of the previous update; rates are computed from the difference.
        now: Samples of this update.
        seconds: Time between the two.
        unix: Current Unix time.
    """
    parts = (
        _process(title, now, unix),
        _messages(before, now, seconds),
        _connections(before, now, seconds, unix),
        _rest(now),
        _devices(now, unix),
    )
    return [line for part in parts for line in part]


def _total(samples: Samples, name: str, matches: Callable[[dict[str, str]], bool] = lambda _: True) -> float:
    return sum(value for labels, value in samples.get(name, ()) if matches(labels))


def _rate(before: Samples, now: Samples, name: str, seconds: float, **labels: str) -> float:
    """Return the increase per second; 0 if the collector was restarted meanwhile."""

    def matches(found: dict[str, str]) -> bool:
        return labels.items() <= found.items()

    increase = _total(now, name, matches) - _total(before, name, matches)
    return max(0.0, increase) / seconds if seconds > 0 else 0.0


def _process(title: str, now: Samples, unix: float) -> Iterator[str]:
    version = next((labels.get("version", "?") for labels, _ in now.get(f"{_PREFIX}build_info", ())), "?")
    start = _total(now, "process_start_time_seconds")
    uptime = f", up {humanize.seconds(unix - start)}" if start else ""
    memory = humanize.size(int(_total(now, "process_resident_memory_bytes")))
    yield f"mist-collector {version} at {title}{uptime}, memory {memory}, {humanize.moment(unix)}"
    yield ""


def _messages(before: Samples, now: Samples, seconds: float) -> Iterator[str]:
    yield f"{'MESSAGES':<18}{'PER SECOND':>12}{'RECEIVED':>14}{'APPLIED':>14}  DROPPED"
    for title, name in (("frames", "stream_frames"), ("webhook events", "webhook_events")):
        received, applied = (f"{_PREFIX}{name}_{what}_total" for what in ("received", "applied"))
        reasons: dict[str, float] = {}
        for labels, value in now.get(f"{_PREFIX}{name}_dropped_total", ()):
            reason = labels.get("reason", "?")
            reasons[reason] = reasons.get(reason, 0.0) + value
        dropped = ", ".join(
            f"{humanize.count(int(count))} {reason}" for reason, count in sorted(reasons.items()) if count
        )
        yield (
            f"{title:<18}{_rate(before, now, received, seconds):>12.1f}{humanize.count(int(_total(now, received))):>14}"
            f"{humanize.count(int(_total(now, applied))):>14}  {dropped or 'none'}"
        )
    yield ""


def _connections(before: Samples, now: Samples, seconds: float, unix: float) -> Iterator[str]:
    states = ", ".join(
        f"{value:.0f} {labels.get('state', '?')}" for labels, value in now.get(f"{_PREFIX}subscriptions", ()) if value
    )
    yield (
        f"{'CONNECTION':<18}{'STATE':<8}{'KB/S':>8}{'LAST MESSAGE':>16}{'DISCONNECTS':>13}"
        f"   channels: {states or 'none'}"
    )
    last = {
        labels.get("connection", ""): value
        for labels, value in now.get(f"{_PREFIX}connection_last_message_timestamp_seconds", ())
    }
    rows = [(labels.get("connection", ""), up) for labels, up in now.get(f"{_PREFIX}connection_up", ())]
    rows.sort(key=lambda row: (row[1], last.get(row[0], 0.0)))
    for name, up in rows[:_CONNECTIONS_SHOWN]:
        rate = _rate(before, now, f"{_PREFIX}connection_received_bytes_total", seconds, connection=name)
        disconnects = sum(
            value
            for labels, value in now.get(f"{_PREFIX}connection_breaks_total", ())
            if labels.get("connection") == name
        )
        age = humanize.ago(last.get(name), unix)
        yield f"{name:<18}{'open' if up else 'DOWN':<8}{rate / 1000:>8.1f}{age:>16}{disconnects:>13.0f}"
    if len(rows) > _CONNECTIONS_SHOWN:
        yield f"and {len(rows) - _CONNECTIONS_SHOWN} more"
    yield ""


def _rest(now: Samples) -> Iterator[str]:
    limits = {labels.get("account", ""): value for labels, value in now.get(f"{_PREFIX}rest_budget_calls", ())}
    for labels, used in now.get(f"{_PREFIX}rest_budget_used_calls", ()):
        account = labels.get("account", "")
        yield f"REST {account}: {used:.0f} of {limits.get(account, 0):.0f} calls used this hour"


def _devices(now: Samples, unix: float) -> Iterator[str]:
    devices = [
        (labels.get("mac", ""), labels.get("device_type", "?"), up) for labels, up in now.get("mist_device_up", ())
    ]
    types: dict[str, list[float]] = {}
    for _, type_, up in devices:
        types.setdefault(type_, []).append(up)
    counts = ", ".join(
        f"{sum(ups):.0f} of {humanize.many(len(ups), *_DEVICE_TYPES.get(type_, (type_,)))} up"
        for type_, ups in sorted(types.items())
    )
    yield ""
    yield f"DEVICES: {counts or 'none'}"
    names = {labels.get("mac", ""): labels.get("name", "") for labels, _ in now.get("mist_device_info", ())}
    seen = {labels.get("mac", ""): value for labels, value in now.get("mist_device_last_seen_timestamp_seconds", ())}
    devices.sort(key=lambda device: (device[2], seen.get(device[0], 0.0)))
    if devices:
        yield f"{'NAME':<26}{'MAC':<14}{'TYPE':<10}{'STATE':<7}LAST SEEN"
    for mac, type_, up in devices[:_DEVICES_SHOWN]:
        age = humanize.ago(seen.get(mac) or None, unix)
        yield f"{names.get(mac, '')[:25]:<26}{mac:<14}{type_:<10}{'up' if up else 'DOWN':<7}{age}"
