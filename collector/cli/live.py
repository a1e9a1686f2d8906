"""What `tail` and `record` do: listen beside the daemon, and show or write what comes."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import structlog
import typer

from collector.cli import listening
from collector.cli.recording import Recorder
from collector.cli.visit import visiting
from collector.errors import CollectorError, Fatal, Retryable, UsageError
from collector.mist import channels
from collector.mist.anonymous import Anonymous, is_personal
from collector.mist.delivery import Delivery, parse_delivery
from collector.mist.envelope import Data
from collector.mist.identity import mac_of
from collector.mist.topics import TOPICS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from collector.cli.listening import Hear, HearBody
    from collector.cli.visit import Visit
    from collector.config import Config
    from collector.errors import Rejected
    from collector.ingest.rest.objects import RestObject
    from collector.mist.envelope import StreamMessage
    from collector.status import ConnectionStatus

_POLL_S = 0.2
_SHOWN = 12  # fields of a line, where none is asked for
_KEY_BYTES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What to show; None = all of it."""

    site: str | None = None
    mac: str | None = None
    kind: str | None = None
    fields: tuple[str, ...] = ()
    whole: bool = False
    people: bool = False


async def record(config: Config, account: str | None, output: Path, *, seconds: float, raw: bool) -> None:
    """Write what comes for so long. Raises CollectorError."""
    anonymous = None if raw else Anonymous(secrets.token_bytes(_KEY_BYTES))
    began = time.monotonic()
    try:
        recorder = Recorder(output, anonymous, began=time.time())
        with recorder:
            await _listen(
                config,
                account,
                lambda event: recorder.frame(event, time.monotonic() - began),
                lambda body: recorder.delivery(body, time.monotonic() - began),
                seconds=seconds,
                told=lambda one: recorder.listed(one, time.monotonic() - began),
                progress=lambda: f"{recorder.frames} frames, {recorder.deliveries} deliveries",
            )
    except FileExistsError:
        raise Fatal(f"{output} is there already: name another file") from None
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from None
    except OSError as error:
        raise CollectorError(f"{output} cannot be written: {error.strerror or error}") from None
    kept = "with all names in it: keep it to yourself" if raw else "names and addresses replaced"
    typer.echo(f"{output}: {recorder.frames} frames, {recorder.deliveries} webhook deliveries, {kept}")


async def tail(config: Config, account: str | None, look: Look, *, seconds: float) -> None:
    """Show what comes for so long. Raises CollectorError."""
    if look.mac is not None and mac_of(look.mac) is None:
        raise Fatal(f"{look.mac} is not a MAC address")
    shown = Lines(look)
    await _listen(config, account, shown.frame, shown.delivery, seconds=seconds, look=look, names=shown.names)


async def _listen(
    config: Config,
    account: str | None,
    hear: Hear,
    hear_body: HearBody,
    *,
    seconds: float,
    look: Look | None = None,
    names: dict[str, str] | None = None,
    told: Callable[[RestObject], None] | None = None,
    progress: Callable[[], str] | None = None,
) -> None:
    """Visit, subscribe, and let things come until the time is over or a signal comes."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # the lines are for what comes
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        visits = await stack.enter_async_context(visiting(config, account=account))
        for visit in visits:
            await visit.look_around()
            if told is not None:
                for one in visit.listed:
                    told(one)
            if names is not None:
                names |= {one.mac: one.name for one in visit.directory.devices.values() if one.name}
                names |= {one.id: one.name for one in visit.directory.sites.values() if one.name}
        wanted = {visit.name: _chosen(visit, look) for visit in visits}
        why_not = await stack.enter_async_context(listening.receiving(config, hear_body))
        if why_not:
            typer.echo(f"No webhooks: {why_not}.", err=True)
        count = sum(map(len, wanted.values()))
        if not count and (why_not or not _is_in_a_topic(look)):
            what = f"nothing that the configuration subscribes to is called {look.kind}" if look and look.kind else ""
            raise UsageError(what or "there is nothing to listen to: the configuration subscribes to no channel")
        statuses = await stack.enter_async_context(
            listening.hearing(config, visits, hear, lambda visit: wanted[visit.name])
        )
        typer.echo(f"Listening to {count} channels; Ctrl-C ends it.", err=True)
        await _wait(stop, statuses, seconds, progress)


def _chosen(visit: Visit, look: Look | None) -> list[str]:
    """The channels that a filter leaves; Fatal when it leaves none and no topic could be meant either."""
    every = visit.channels()
    if look is None:
        return every
    sites = {one.id for one in visit.directory.sites.values() if look.site in (None, one.id, one.name)}
    if look.site is not None and not sites:
        raise Fatal(f"there is no site {look.site}; there are: {', '.join(_names(visit)[:10])}")
    found = [(path, known) for path in every if (known := channels.match(path)) is not None]
    return [
        path
        for path, known in found
        if (look.site is None or known.ids.get("site_id") in sites)
        and (look.kind is None or look.kind in known.channel.template)
    ]


def _is_in_a_topic(look: Look | None) -> bool:
    return look is None or look.kind is None or any(look.kind in topic for topic in TOPICS)


def _names(visit: Visit) -> list[str]:
    return sorted(site.name or site.id for site in visit.directory.sites.values())


async def _wait(
    stop: asyncio.Event,
    statuses: Sequence[ConnectionStatus],
    seconds: float,
    progress: Callable[[], str] | None,
) -> None:
    """Wait for the end; raises Fatal or Retryable when no stream opens."""
    until = time.monotonic() + seconds if seconds else float("inf")
    is_periodic = progress is not None and sys.stderr.isatty()
    while not stop.is_set() and time.monotonic() < until:
        if statuses and all(status.state == "refused" for status in statuses):
            raise Fatal(f"the stream refuses: {statuses[0].last_break}")
        if statuses and all(not status.connects and sum(status.breaks.values()) > 1 for status in statuses):
            raise Retryable(f"the stream cannot be reached: {statuses[0].last_break}")
        if is_periodic and progress is not None:
            typer.echo(f"\r{progress()} ", err=True, nl=False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(_POLL_S, max(0.0, until - time.monotonic()))):
                await stop.wait()
    if is_periodic:
        typer.echo(err=True)


class Lines:
    """Writes one line for each thing that passes the filter. `names`: of devices by MAC, of sites by id."""

    def __init__(self, look: Look) -> None:
        self.names: dict[str, str] = {}
        self._look = look
        self._mac = mac_of(look.mac) if look.mac else None
        self._mask = None if look.people else Anonymous(secrets.token_bytes(_KEY_BYTES), people_only=True)

    def frame(self, event: StreamMessage | Rejected) -> None:
        """Show the objects of a data frame; other frames are not news."""
        if not isinstance(event, Data):
            return
        known = channels.match(event.channel)
        payload = _parsed(event.payload)
        personal = known is None or is_personal(known.channel.carries)
        where = known.ids if known is not None else {}
        for item in payload if isinstance(payload, list) else [payload]:
            if isinstance(item, dict):
                self._show(event.channel.rpartition("/")[2], {**where, **item}, personal=personal)

    def delivery(self, body: bytes) -> None:
        """Show the events of a webhook delivery."""
        delivery = parse_delivery(body)
        if not isinstance(delivery, Delivery) or (self._look.kind and self._look.kind not in delivery.topic):
            return
        for event in delivery.events:
            if isinstance(event, dict):
                self._show(delivery.topic, event, personal=is_personal(delivery.topic))

    def _show(self, what: str, item: dict[str, Any], *, personal: bool) -> None:
        site = str(item.get("site_id") or "")
        mac = mac_of(item.get("mac")) or ""
        if self._mac not in (None, mac, mac_of(item.get("ap"))):
            return
        if self._look.site not in (None, site, self.names.get(site)):
            return
        safe = item if self._mask is None else self._mask.payload(item, personal=personal)
        at = time.strftime("%H:%M:%S")
        if self._look.whole:
            typer.echo(orjson.dumps({"at": at, "what": what, **safe}).decode())
            return
        who = self.names.get(mac) or str(safe.get("mac") or safe.get("id") or "")
        place = self.names.get(site) or site
        typer.echo(" ".join(part for part in (at, f"{what:<16}", place, who, self._facts(safe)) if part))

    def _facts(self, item: dict[str, Any]) -> str:
        """The fields asked for, or the first numbers and words of it."""
        leaves = dict(_leaves(item, ""))
        if self._look.fields:
            return " ".join(f"{field}={leaves[field]}" for field in self._look.fields if field in leaves)
        plain = [(key, value) for key, value in leaves.items() if not key.startswith("_") and key not in _SHOWN_ALREADY]
        more = f" ... {len(plain) - _SHOWN} more" if len(plain) > _SHOWN else ""
        return " ".join(f"{key}={value}" for key, value in plain[:_SHOWN]) + more


_SHOWN_ALREADY = frozenset({"mac", "site_id", "org_id", "map_id", "id"})


def _parsed(payload: object) -> object:
    if not isinstance(payload, str):
        return payload
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None


def _leaves(value: object, path: str) -> Iterator[tuple[str, object]]:
    """Every leaf with its path: radio_stat.band_5.channel, port_stat.eth0.up, errors.0."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}.{index}")
    elif value is not None:
        yield path, value
