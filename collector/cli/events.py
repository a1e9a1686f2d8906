"""The command `events`: search the event history of a running collector, and follow it."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections import deque
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any, Final

import aiohttp
import msgspec
import typer

from collector.cli import exits
from collector.cli.options import CONFIG_VARIABLE
from collector.cli.terminal import echo, printable
from collector.cli.top import DEFAULT_URL, local_url, without_password
from collector.errors import Fatal, Retryable, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

_PATH: Final = "/api/v1/events"
PAGE: Final = 1000
RECONNECT_S: Final = 2.0
MAX_LINE_BYTES: Final = 4 << 20
_TIMEOUT: Final = aiohttp.ClientTimeout(total=30.0)
_STREAM_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=30.0, sock_read=60.0)
_WIDTHS: Final = {"time": 19, "severity": 8, "site": 20, "device": 20, "type": 28}
_COLORS: Final = {"critical": typer.colors.RED, "warning": typer.colors.YELLOW, "info": None}

EventRecord = dict[str, Any]


class EventFormat(StrEnum):
    """Output formats."""

    table = "table"
    jsonl = "jsonl"


Values = list[str]


def events(
    *,
    since: Annotated[str, typer.Option(help="Earliest time: 15m, 12h, 7d, Unix seconds or ISO 8601.")] = "1h",
    until: Annotated[str, typer.Option(help="Latest time, in the same forms.")] = "",
    topic: Annotated[Values | None, typer.Option(help="Topic, such as device-events; may be repeated.")] = None,
    type_: Annotated[Values | None, typer.Option("--type", help="Event type, such as SW_PORT_DOWN.")] = None,
    severity: Annotated[Values | None, typer.Option(help="info, warning or critical.")] = None,
    status: Annotated[Values | None, typer.Option(help="open or cleared.")] = None,
    site: Annotated[Values | None, typer.Option(help="Site, by name or ID.")] = None,
    device: Annotated[Values | None, typer.Option(help="Device, by name or MAC address.")] = None,
    where: Annotated[
        Values | None, typer.Option(metavar="KEY:VALUE", help="Field of the event; all given fields must match.")
    ] = None,
    text: Annotated[str, typer.Option(help="Words in the text; word* matches a prefix.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Maximum number of events.")] = 100,
    format_: Annotated[EventFormat | None, typer.Option("--format", help="Default: table on a terminal.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Then print new events as they arrive.")] = False,
    url: Annotated[str | None, typer.Option("--url", help="URL of the collector, e.g. http://127.0.0.1:9733")] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", envvar=CONFIG_VARIABLE, help="Read the URL from this file."),
    ] = None,
) -> None:
    """Print events of a running collector, oldest first.

    Output is a table on a terminal and JSON lines otherwise.

    Exit codes: 0 at the end and at Ctrl-C; 1 the collector does not answer; 2 an option or the address is invalid.

    Example: mist-collector events --since 15m --severity critical --where port_id:ge-0/0/12
    """
    if url is None:
        server = exits.load_or_exit(config).server if config else None
        url = local_url(server.listen, tls=server.web_config_file is not None) if server else DEFAULT_URL
    repeated = {"topic": topic, "type": type_, "severity": severity, "status": status, "site": site, "device": device}
    parameters = [(name, value) for name, values in {**repeated, "where": where}.items() for value in values or ()]
    parameters += [(name, value) for name, value in (("since", since), ("until", until), ("text", text)) if value]
    search = EventSearch(url, parameters, limit, format_.value if format_ is not None else "")
    exits.run_or_exit(search.run(follow=follow))


class EventSearch:
    """One search.

    Args:
        url: URL of the collector.
        parameters: Query parameters.
        limit: Maximum number of events.
        format_: "table", "jsonl", or "" for a table on a terminal and JSON lines otherwise.
    """

    def __init__(self, url: str, parameters: Sequence[tuple[str, str]], limit: int, format_: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise UsageError(f"--url {url}: not a URL, e.g. {DEFAULT_URL}")
        self._base = url.rstrip("/")
        self._where = without_password(self._base)
        self._parameters = list(parameters)
        self._limit = limit
        self._is_table = format_ == "table" or (not format_ and sys.stdout.isatty())
        self._header_due = self._is_table

    async def run(self, *, follow: bool) -> None:
        """Print what is found, and what follows.

        Raises:
            Retryable: The collector does not answer.
            Fatal: The collector has no event history.
            UsageError: A parameter is invalid, or the collector requires a user name and password.
        """
        async with aiohttp.ClientSession(max_line_size=MAX_LINE_BYTES, read_bufsize=MAX_LINE_BYTES) as session:
            events = await self._pages(session)
            self._print(events)
            last = events[-1]["seq"] if events else 0
            while follow:
                async for event in self._stream(session, last):
                    self._print([event])
                    last = event["seq"]
                await asyncio.sleep(RECONNECT_S)

    async def _pages(self, session: aiohttp.ClientSession) -> Sequence[EventRecord]:
        """Return the events, oldest first."""
        found = deque[EventRecord]()
        after: int | None = None
        while len(found) < self._limit:
            page = await self._get(session, min(PAGE, self._limit - len(found)), after)
            found.extendleft(page["events"])
            after = page["after"]
            if after is None:
                break
        return found

    async def _get(self, session: aiohttp.ClientSession, limit: int, after: int | None) -> dict[str, Any]:
        cursor = [("after", str(after))] if after is not None else []
        parameters = [*self._parameters, ("limit", str(limit)), *cursor]
        try:
            async with session.get(self._base + _PATH, params=parameters, timeout=_TIMEOUT) as answer:
                body = await answer.read()
                self._check(answer.status, body)
                page: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise self._unreachable(error) from None
        return page

    async def _stream(self, session: aiohttp.ClientSession, newer_than: int) -> AsyncIterator[EventRecord]:
        """Yield new events until the connection ends."""
        parameters = [(name, value) for name, value in self._parameters if name not in ("since", "until")]
        parameters += [("newer_than", str(newer_than)), ("limit", str(PAGE))] if newer_than else []
        headers = {"Accept": "text/event-stream"}
        try:
            async with session.get(
                self._base + _PATH, params=parameters, headers=headers, timeout=_STREAM_TIMEOUT
            ) as answer:
                if answer.status != 200:  # noqa: PLR2004 - HTTP
                    self._check(answer.status, await answer.read())
                async for line in answer.content:
                    if line.startswith(b'data: {"older_than":'):
                        echo("mist-collector: too many events since the last one: older ones are left out", err=True)
                    elif line.startswith(b"data: "):
                        yield msgspec.json.decode(line[6:], type=dict[str, Any])
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            echo(f"mist-collector: {self._unreachable(error)}; reconnecting", err=True)

    def _check(self, status: int, body: bytes) -> None:
        """Raise what a status other than 200 means."""
        if status == 200:  # noqa: PLR2004 - HTTP
            return
        try:
            message = str(msgspec.json.decode(body, type=dict[str, Any])["error"])
        except (ValueError, KeyError):
            message = f"HTTP status {status}"
        if status == 400:  # noqa: PLR2004 - HTTP
            raise UsageError(message)
        if status == 401:  # noqa: PLR2004 - HTTP
            raise UsageError(
                f"{self._where}: the collector requires authentication; use --url http://USER:PASSWORD@HOST:PORT"
            )
        if status == 404:  # noqa: PLR2004 - HTTP
            raise Fatal("the collector has no event history: it is older, or not a collector", where=self._where)
        raise Retryable(message, where=self._where, status=status)

    def _unreachable(self, error: Exception) -> Retryable:
        detail = str(error).replace(self._base, self._where) or "no answer in time"
        return Retryable(f"the collector does not answer ({detail})", where=self._where)

    # Output

    def _print(self, events: Iterable[EventRecord]) -> None:
        for event in events:
            if not self._is_table:
                echo(msgspec.json.encode(event).decode())
                continue
            if self._header_due:
                self._header_due = False
                titles = [name.upper().ljust(width) for name, width in _WIDTHS.items()]
                echo("  ".join([*titles, "TEXT"]))
            typer.echo(line_of(event, shutil.get_terminal_size().columns))


def line_of(event: EventRecord, width: int) -> str:
    """Return an event as a line of the table; the severity is colored."""
    cells = {
        "time": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event["time"])),
        "severity": event["severity"],
        "site": event["site_name"] or event["site_id"],
        "device": event["device_name"] or event["device_mac"],
        "type": event["type"] or event["topic"],
    }
    shown = {name: _fit(str(text), _WIDTHS[name]) for name, text in cells.items()}
    used = sum(_WIDTHS.values()) + 2 * len(_WIDTHS)
    text = printable(str(event["text"]))[: max(20, width - used)]
    shown["severity"] = typer.style(shown["severity"], fg=_COLORS.get(event["severity"]))
    return "  ".join([*shown.values(), text]).rstrip()


def _fit(text: str, width: int) -> str:
    text = printable(text)
    return (text if len(text) <= width else f"{text[: width - 1]}…").ljust(width)
