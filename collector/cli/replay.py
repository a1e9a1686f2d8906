"""`mist-collector replay`: recorded input through the code that runs in the daemon, exposition on stdout."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotation when the command is registered
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.feeds.router import FeedRouter
    from collector.ingest.dispatcher import Apply, Dispatcher
    from collector.ingest.rest.objects import RestObject
    from collector.status import Counts


def replay(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="A recording, *.jsonl.gz; *.jsonl: stream frames; *.json: a webhook body.",
            exists=True,
            dir_okay=False,
        ),
    ],
    *,
    openmetrics: Annotated[bool, typer.Option("--openmetrics", help="Print OpenMetrics, not text 0.0.4.")] = False,
) -> None:
    """Run recorded input through decode, apply and render.

    FILE.jsonl holds stream frames, one a line as they came off the socket; FILE.json holds one webhook body. Prints
    the exposition on stdout and, as the last line of stderr, one JSON object: what was received, applied, and dropped
    by reason (frames of the stream, events of webhooks).

    Exit code 0 whatever the input held, 2 when there is no such file or FILE.jsonl.gz is not a recording.

    Example: mist-collector replay frames.jsonl device-events.json
    """
    # imported when the command runs, so that --help is quick
    import sys  # noqa: PLC0415

    import orjson  # noqa: PLC0415

    from collector.feeds.router import FeedRouter  # noqa: PLC0415
    from collector.location.feed import LocationFeed  # noqa: PLC0415
    from collector.metrics.text_format import render_all  # noqa: PLC0415
    from collector.status import Counts  # noqa: PLC0415

    catalog, frames, events = FeedRouter(), Counts(), dict[str, Counts]()
    catalog.join(LocationFeed(catalog.store, catalog.directories))
    intake = intake_of(catalog, frames, events)
    for file in files:
        feed(intake, file, lambda listed: know(catalog, listed))
    sys.stdout.buffer.write(render_all(catalog.store, openmetrics=openmetrics))
    sys.stdout.buffer.flush()
    typer.echo(orjson.dumps(summary([frames, *events.values()])).decode(), err=True)


def intake_of(catalog: FeedRouter, frames: Counts, events: dict[str, Counts]) -> Dispatcher:
    """The daemon's own intake; a frame of a channel that nobody measures is dropped by a name of its own."""
    from collector.errors import Rejected  # noqa: PLC0415
    from collector.ingest.dispatcher import Dispatcher  # noqa: PLC0415
    from collector.mist import channels  # noqa: PLC0415
    from collector.mist.deduplicator import Deduplicator  # noqa: PLC0415

    def open_channel(path: str) -> Apply:
        reason = Rejected("not_measured" if channels.match(path) else "unknown_channel")
        return catalog.open_channel(path) or (lambda _payload, _now: reason)

    return Dispatcher(
        open_channel=open_channel,
        open_topic=catalog.open_topic,
        duplicates=Deduplicator(),
        frames=frames,
        events=events,
    )


def know(catalog: FeedRouter, listed: list[RestObject]) -> None:
    """Take an inventory over, as the daemon does when it has read one."""
    from collector.mist.directory import Device, Directory, Org, Site  # noqa: PLC0415

    directory = Directory()
    catalog.directories.add(directory)
    kinds: dict[str, list[RestObject]] = {"org": [], "site": [], "inventory": []}
    for one in listed:
        kinds.setdefault(one.kind, []).append(one)
    orgs = (Org.from_payload({"id": one.ids.get("org_id"), **one.payload}) for one in kinds["org"])
    sites = (Site.from_payload(one.payload, one.ids.get("org_id", "")) for one in kinds["site"])
    devices = (Device.from_payload(one.payload, one.ids.get("org_id", "")) for one in kinds["inventory"])
    catalog.changed(
        directory.replace(filter(None, orgs), filter(None, sites), filter(None, devices)),
    )
    for one in listed:
        catalog.rest_object(one.kind, one.payload, one.ids)


def feed(intake: Dispatcher, file: Path, know: Callable[[list[RestObject]], None] = lambda _listed: None) -> None:
    """Hand one file to the intake, as the socket or the webhook listener would; to `know` goes its inventory."""
    from collector.mist.envelope import Data, parse  # noqa: PLC0415

    if file.suffix == ".gz":
        play(intake, file, know)
        return
    if file.suffix != ".jsonl":
        intake.delivery(file.read_bytes(), 0.0)
        return
    for line in file.read_bytes().split(b"\n"):
        if line.strip():
            event = parse(line)
            if isinstance(event, Data):
                intake.subscribe(event.channel)
            intake.event(event, 0.0)


def play(intake: Dispatcher, file: Path, know: Callable[[list[RestObject]], None]) -> None:
    """Hand a recording on: `mist-collector record` wrote it, the inventory first."""
    from collector.cli import progress, recording  # noqa: PLC0415
    from collector.ingest.rest.objects import RestObject  # noqa: PLC0415
    from collector.mist.envelope import Data  # noqa: PLC0415

    listed: list[RestObject] = []
    with progress.reading(file) as at:
        for came in recording.read(file, at):
            if isinstance(came, RestObject):
                listed.append(came)
                continue
            if listed:
                know(listed)
                listed = []
            if isinstance(came, bytes):
                intake.delivery(came, 0.0)
                continue
            if isinstance(came, Data):
                intake.subscribe(came.channel)
            intake.event(came, 0.0)


def summary(accounts: list[Counts]) -> dict[str, object]:
    """The books of all ways in, added up."""
    dropped: dict[str, int] = {}
    for account in accounts:
        for reason, count in account.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + count
    return {
        "received": sum(account.received for account in accounts),
        "applied": sum(account.applied for account in accounts),
        "dropped": dropped,
    }
