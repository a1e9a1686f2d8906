"""The command `tail`: print messages of Mist as they arrive."""

from __future__ import annotations

import json as json_
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from collector import redaction, tolerant_json
from collector.cli import exits, listening
from collector.cli.options import Account, ConfigFile  # noqa: TC001 - typer reads the annotations
from collector.cli.terminal import echo, printable
from collector.errors import Rejected, UsageError
from collector.mist import channels
from collector.mist.anonymous import Anonymizer, is_personal
from collector.mist.delivery import Delivery, parse_delivery
from collector.mist.envelope import Data
from collector.mist.identity import mac_of
from collector.mist.topics import TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector.cli.accounts import OpenAccount
    from collector.mist.envelope import StreamMessage

_FIELDS_SHOWN = 12  # of a line, if no field is selected
_SITES_SHOWN = 10  # in an error message
_KEY_BYTES = 32
_MAX_DEPTH = 16  # levels of nesting that are shown
_IN_EVERY_LINE = frozenset({"mac", "site_id", "org_id", "map_id", "id"})


def tail(
    *,
    config: ConfigFile,
    account: Account = None,
    site: Annotated[str | None, typer.Option(help="Only this site (id or name).")] = None,
    mac: Annotated[str | None, typer.Option(help="Only the device with this MAC address, in any notation.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="Only channels and topics whose name contains this text: devices, alarms, ...")
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option("--field", metavar="PATH", help="Print only this field (radio_stat.band_5.channel); repeatable."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print each message as one line of JSON.")] = False,
    people: Annotated[bool, typer.Option("--people", help="Do not mask names and addresses of people.")] = False,
    seconds: Annotated[float, typer.Option(min=0, help="Stop after this time; 0: at Ctrl-C.")] = 0.0,
) -> None:
    """Print messages of the WebSocket stream as they arrive, one per line, and webhook events if no collector runs.

    The command subscribes in addition to a running collector, which receives the same messages. Names and addresses of
    people and their devices are masked, equal ones alike.

    Exit codes: 0 stopped; 1 the cloud cannot be reached; 2 it rejects the request, or a filter matches nothing.

    Example: mist-collector tail -c collector.yaml --kind devices --field uptime --field radio_stat.band_5.channel
    """
    loaded = exits.load_or_exit(config)
    tail_filter = TailFilter(site=site, mac=mac, kind=kind, fields=tuple(field or ()), json=json, people=people)
    exits.run_or_exit(listening.consume(loaded, account, LinePrinter(tail_filter), seconds=seconds))


@dataclass(frozen=True, kw_only=True, slots=True)
class TailFilter:
    """What to print; None for everything.

    Attributes:
        site: Id or name of a site.
        mac: MAC address of a device.
        kind: Part of the name of a channel or topic.
        fields: Paths of fields; empty for the first ones of each message.
        json: Print whole messages.
        people: Print names and addresses of people.
    """

    site: str | None = None
    mac: str | None = None
    kind: str | None = None
    fields: tuple[str, ...] = ()
    json: bool = False
    people: bool = False

    def __post_init__(self) -> None:
        if self.mac is not None and mac_of(self.mac) is None:
            raise UsageError(f"--mac {self.mac}: not a MAC address, e.g. 5c:5b:35:00:00:01")


class LinePrinter:
    """Prints one line per object or event that matches a filter; implements `listening.Consumer`."""

    def __init__(self, tail_filter: TailFilter) -> None:
        self._filter = tail_filter
        self._mac = mac_of(tail_filter.mac) if tail_filter.mac else None
        self._names: dict[str, str] = {}  # of devices by MAC, of sites by id
        self._mask = None if tail_filter.people else Anonymizer(secrets.token_bytes(_KEY_BYTES), people_only=True)

    def add_inventory(self, account: OpenAccount) -> None:
        """Learn the names of devices and sites."""
        self._names |= {one.mac: one.name for one in account.directory.devices.values() if one.name}
        self._names |= {one.id: one.name for one in account.directory.sites.values() if one.name}

    def channels(self, account: OpenAccount) -> list[str]:
        """Return the selected channels. Raises UsageError for a site that does not exist."""
        site, kind = self._filter.site, self._filter.kind
        sites = {one.id for one in account.directory.sites.values() if site in (None, one.id, one.name)}
        if site is not None and not sites:
            names = sorted(one.name or one.id for one in account.directory.sites.values())
            more = ", ..." if len(names) > _SITES_SHOWN else ""
            raise UsageError(f"--site {site}: no such site; available: {', '.join(names[:_SITES_SHOWN])}{more}")
        matches = [(path, match) for path in account.channels() if (match := channels.match(path)) is not None]
        return [
            path
            for path, match in matches
            if (site is None or match.ids.get("site_id") in sites) and (kind is None or kind in match.channel.template)
        ]

    def check_selection(self, channels: int, *, webhooks: bool) -> None:
        """Raise UsageError if no channel and no topic is selected."""
        kind = self._filter.kind
        if channels or (webhooks and (kind is None or any(kind in topic for topic in TOPICS))):
            return
        if kind is None:
            raise listening.nothing_to_subscribe()
        raise UsageError(f"--kind {kind}: the name of no subscribed channel or topic contains this text")

    def progress(self) -> str:
        """Return nothing: the messages are the progress."""
        return ""

    def message(self, message: StreamMessage | Rejected) -> None:
        """Print the objects of a data message."""
        if not isinstance(message, Data):
            return
        match = channels.match(message.channel)
        payload = message.payload
        if isinstance(payload, str):
            payload = tolerant_json.loads(payload)
        personal = match is None or is_personal(match.channel.carries)
        ids = match.ids if match is not None else {}
        for item in payload if isinstance(payload, list) else [payload]:
            if isinstance(item, dict):
                self._print(message.channel.rpartition("/")[2], {**ids, **item}, personal=personal)

    def delivery(self, body: bytes) -> None:
        """Print the events of a webhook delivery."""
        delivery, kind = parse_delivery(body), self._filter.kind
        if not isinstance(delivery, Delivery) or (kind and kind not in delivery.topic):
            return
        for event in delivery.events:
            if isinstance(event, dict):
                self._print(delivery.topic, event, personal=is_personal(delivery.topic))

    def _print(self, kind: str, item: dict[str, Any], *, personal: bool) -> None:
        site, mac = str(item.get("site_id") or ""), mac_of(item.get("mac")) or ""
        if self._mac not in (None, mac, mac_of(item.get("ap"))):
            return
        if self._filter.site not in (None, site, self._names.get(site)):
            return
        masked = item if self._mask is None else self._mask.payload(item, personal=personal)
        shown = redaction.redact(masked, _MAX_DEPTH)
        at = time.strftime("%H:%M:%S")
        if self._filter.json:
            typer.echo(_json({"at": at, "kind": kind, **shown}))
            return
        device = self._names.get(mac) or str(shown.get("mac") or shown.get("id") or "")
        parts = (at, f"{kind:<16}", self._names.get(site) or site, device, self._fields(shown))
        echo(printable(" ".join(filter(None, parts))))

    def _fields(self, item: dict[str, Any]) -> str:
        """Return the selected fields, or the first ones."""
        leaves = dict(_leaves(item, ""))
        if self._filter.fields:
            return " ".join(f"{field}={leaves[field]}" for field in self._filter.fields if field in leaves)
        rest = [(key, value) for key, value in leaves.items() if not key.startswith("_") and key not in _IN_EVERY_LINE]
        more = f" ... {len(rest) - _FIELDS_SHOWN} more" if len(rest) > _FIELDS_SHOWN else ""
        return " ".join(f"{key}={value}" for key, value in rest[:_FIELDS_SHOWN]) + more


def _json(content: dict[str, Any]) -> str:
    """Return one line of JSON, in which control characters are escaped."""
    try:
        return orjson.dumps(content).decode()
    except TypeError:  # an integer of more than 64 bits
        return json_.dumps(content)


def _leaves(value: object, path: str) -> Iterator[tuple[str, object]]:
    """Yield every leaf with its path: radio_stat.band_5.channel, port_stat.eth0.up, errors.0."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}.{index}")
    elif value is not None:
        yield path, value
