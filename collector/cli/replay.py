"""The command `replay`: process recorded messages with the code of the daemon and print the metrics."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from collector.cli import recordings, terminal
from collector.errors import Rejected, UsageError
from collector.feeds.router import FeedRouter
from collector.ingest.dispatcher import Dispatcher
from collector.ingest.rest.objects import RestObject
from collector.location.feed import LocationFeed
from collector.metrics.text_format import render_all
from collector.mist import channels
from collector.mist.deduplicator import Deduplicator
from collector.mist.directory import Device, Directory, Org, Site
from collector.mist.envelope import Data, parse
from collector.status import Counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from collector.ingest.dispatcher import Apply
    from collector.mist.envelope import StreamMessage

    OnInventory = Callable[[list[RestObject]], None]


def replay(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Recordings (*.jsonl.gz), WebSocket frames (*.jsonl) and webhook bodies (*.json).",
            exists=True,
            dir_okay=False,
        ),
    ],
    *,
    openmetrics: Annotated[
        bool, typer.Option("--openmetrics", help="Print OpenMetrics in place of text 0.0.4.")
    ] = False,
) -> None:
    """Process recorded messages as the daemon does, and print the metrics on stdout.

    FILE.jsonl.gz is a recording of `record`; FILE.jsonl holds WebSocket frames, one per line as received; FILE.json
    holds one webhook body. The last line of stderr is a JSON object with the number of messages received, applied, and
    dropped by reason (frames of the stream, events of webhooks).

    Exit codes: 0 whatever the messages contain; 2 a file does not exist, is not a recording, or exceeds a size limit.

    Example: mist-collector replay frames.jsonl device-events.json
    """
    router, frames, events = FeedRouter(), Counts(), dict[str, Counts]()
    router.join(LocationFeed(router.store, router.directories))
    dispatcher = dispatcher_for(router, frames, events)
    for file in files:
        process(dispatcher, file, lambda items: add_inventory(router, items))
    sys.stdout.buffer.write(render_all(router.store, openmetrics=openmetrics))
    sys.stdout.buffer.flush()
    typer.echo(orjson.dumps(totals([frames, *events.values()])).decode(), err=True)


def dispatcher_for(router: FeedRouter, frames: Counts, events: dict[str, Counts]) -> Dispatcher:
    """Return the dispatcher of the daemon. It drops frames of unmeasured channels with reasons of their own."""

    def open_channel(path: str) -> Apply:
        reason = Rejected("not_measured" if channels.match(path) else "unknown_channel")
        return router.open_channel(path) or (lambda _payload, _now: reason)

    return Dispatcher(
        open_channel=open_channel,
        open_topic=router.open_topic,
        duplicates=Deduplicator(),
        frames=frames,
        events=events,
    )


def add_inventory(router: FeedRouter, items: list[RestObject]) -> None:
    """Apply the objects of an inventory, as the daemon does after reading it."""
    directory = Directory()
    router.directories.add(directory)
    kinds: dict[str, list[RestObject]] = {"org": [], "site": [], "inventory": []}
    for item in items:
        kinds.setdefault(item.kind, []).append(item)
    orgs = (Org.from_payload({"id": item.ids.get("org_id"), **item.payload}) for item in kinds["org"])
    sites = (Site.from_payload(item.payload, item.ids.get("org_id", "")) for item in kinds["site"])
    devices = (Device.from_payload(item.payload, item.ids.get("org_id", "")) for item in kinds["inventory"])
    router.changed(directory.replace(filter(None, orgs), filter(None, sites), filter(None, devices)))
    for item in items:
        router.rest_object(item.kind, item.payload, item.ids)


def process(dispatcher: Dispatcher, file: Path, on_inventory: OnInventory = lambda _items: None) -> None:
    """Pass the messages of a file to the dispatcher, and its inventory to `on_inventory`.

    Raises:
        UsageError: The file is not a recording, or exceeds a size limit.
    """
    if file.suffix == ".gz":
        with terminal.reading(file) as on_position:
            _process_recording(dispatcher, recordings.read(file, on_position), on_inventory)
    elif file.suffix == ".jsonl":
        for line in _lines(file):
            if line.strip():
                _process_message(dispatcher, parse(line))
    else:
        for line in _lines(file, whole=True):
            dispatcher.delivery(line, 0.0)


def _lines(file: Path, *, whole: bool = False) -> Iterator[bytes]:
    """Yield the lines of a file, or its whole content. Raises UsageError for one that is too long."""
    limit = recordings.MAX_LINE_BYTES
    with file.open("rb") as opened:
        while line := opened.read(limit + 1) if whole else opened.readline(limit + 1):
            if len(line) > limit:
                raise UsageError(f"{file}: {'the body' if whole else 'a line'} is longer than {limit // 2**20} MiB")
            yield line


def _process_recording(
    dispatcher: Dispatcher, content: Iterable[Data | Rejected | RestObject | bytes], on_inventory: OnInventory
) -> None:
    inventory: list[RestObject] = []
    for item in content:
        if isinstance(item, RestObject):
            inventory.append(item)
            continue
        if inventory:
            on_inventory(inventory)
            inventory = []
        if isinstance(item, bytes):
            dispatcher.delivery(item, 0.0)
        else:
            _process_message(dispatcher, item)


def _process_message(dispatcher: Dispatcher, message: StreamMessage | Rejected) -> None:
    if isinstance(message, Data):
        dispatcher.subscribe(message.channel)
    dispatcher.event(message, 0.0)


def totals(counts: list[Counts]) -> dict[str, object]:
    """Return the sums of the counts of all inputs."""
    dropped: dict[str, int] = {}
    for one in counts:
        for reason, count in one.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + count
    return {
        "received": sum(one.received for one in counts),
        "applied": sum(one.applied for one in counts),
        "dropped": dropped,
    }
