"""The catalogue told as data: every family with its labels and sources, and what is not exported and why.

Sources are written as in Mist's field lists: dotted paths, `{key}` for the key of a map, `[*]` for an element of a list.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypedDict

from collector.catalog import (
    ap,
    asset_tables,
    client_tables,
    gateway,
    gateway_ports,
    insights,
    location,
    switch,
    switch_ports,
    totals,
)
from collector.catalog.object_tables import OBJECTS
from collector.feeds import event_feed
from collector.feeds.router import FeedRouter
from collector.metrics.model import Family, Info, StateSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector.metrics.model import AnyFamily, Entity

UNITS = (
    "bytes_per_second", "timestamp_seconds", "seconds", "bytes", "ratio", "celsius", "watts", "meters", "pixels", "volts",
    "hertz", "pascals", "degrees", "dbm", "db", "g",
)  # fmt: skip
NOT_EXPORTED = {
    "ap": ap.NOT_EXPORTED,
    "gateway": gateway.NOT_EXPORTED,
    "switch": switch.NOT_EXPORTED,
    "switch_port": switch_ports.NOT_EXPORTED,
    "gateway_port": gateway_ports.NOT_EXPORTED,
    **insights.NOT_EXPORTED,
    **totals.NOT_EXPORTED,
    "client": client_tables.NOT_EXPORTED,
    "asset": asset_tables.NOT_EXPORTED,
}
FIRST_RELEASE = "0.1.0"
SINCE: dict[str, str] = {}  # families that came later than the first release
_KEY = re.compile(r"\{\w+\}")
_NUMBER = re.compile(r"\.\d+\Z")  # a place that is a number is one key of a map


class Source(TypedDict):
    """One field that a family reads."""

    object: str
    path: str


class FamilyEntry(TypedDict):
    """One family."""

    name: str
    type: str
    unit: str
    help: str
    labels: list[str]
    option: str  # the key of the configuration without which it has no series
    since: str  # the release that brought it
    sources: list[Source]


class Unexported(TypedDict):
    """One field that no family reads."""

    object: str
    path: str
    reason: str


class Reference(TypedDict):
    """The whole catalogue."""

    families: list[FamilyEntry]
    not_exported: list[Unexported]


def reference() -> Reference:
    """Every family, in the order of their names."""
    entries: dict[str, FamilyEntry] = {}
    catalog = FeedRouter()
    for kind in catalog.kinds():
        for entity in kind.entities:
            for family in entity.families:
                add(entries, kind.name, entity, family)
    for entity, name in tallied(catalog):
        for family in entity.families:
            add(entries, name, entity, family)
    for name, object_, path in event_feed.sources():
        add_source(entries[name], object_, path)
    add_inner_lists(entries)
    return {
        "families": [entries[name] for name in sorted(entries)],
        "not_exported": [
            {"object": name, "path": path, "reason": reason}
            for name, paths in NOT_EXPORTED.items()
            for path, reason in sorted(paths.items())
        ],
    }


def add_inner_lists(entries: dict[str, FamilyEntry]) -> None:
    """Add the lists inside a device's statistics to the sources of the objects that stand there."""
    for one in OBJECTS:
        for owner, _, key in (where.partition(".") for where in one.inside):
            for entity, family in ((root, column) for root in one.roots for column in root.families):
                add(entries, owner, entity, family, inside=f"{key}[*]")


def tallied(catalog: FeedRouter) -> Iterator[tuple[Entity, str]]:
    """What is counted here, with the name of the object that it is counted of."""
    for entity in (*location.TALLIES, *location.OPTIONAL):
        yield entity, entity.of
    for feed in catalog.feeds:
        for entity in feed.tallies():
            yield entity, event_feed.OBJECT if feed is catalog.events else entity.of or entity.name


def add(entries: dict[str, FamilyEntry], name: str, entity: Entity, family: AnyFamily, *, inside: str = "") -> None:
    """Enter one column of a family, or add its labels and sources to what is entered.

    `inside` is the list of the object `name` in which the entity lives.
    """
    entry = entries.setdefault(
        family.name,
        {
            "name": family.name,
            "type": family.type.value,
            "unit": unit_of(family.name),
            "help": family.help,
            "labels": [],
            "option": entity.option,
            "since": SINCE.get(family.name, FIRST_RELEASE),
            "sources": [],
        },
    )
    for label in labels_of(entity, family):
        if label not in entry["labels"]:
            entry["labels"].append(label)
    if name == "record" or name.startswith(event_feed.OBJECT):
        return  # the same fields as in the device's own object; what events are read for is told by their topics' tables
    for path in sorted({path for field in family.sources for path in full_paths(entity, field)}):
        add_source(entry, name, ".".join(filter(None, (inside, path))))


def add_source(entry: FamilyEntry, name: str, path: str) -> None:
    """Enter one field that a family reads, once."""
    source: Source = {"object": name, "path": path}
    if source not in entry["sources"]:
        entry["sources"].append(source)


def labels_of(entity: Entity, family: AnyFamily) -> list[str]:
    """Label names of one family in this entity: the row's, then the family's own."""
    own: list[str] = []
    if isinstance(family, Family):
        own = list(family.labels)
    elif isinstance(family, Info):
        own = list(family.fields)
    elif isinstance(family, StateSet):
        own = [*family.labels, family.label]
    return [*entity.label_names, *own]


def unit_of(name: str) -> str:
    """The unit in a family's name; empty for counts and states."""
    bare = name.removesuffix("_total")
    found = next((unit for unit in UNITS if bare.endswith(f"_{unit}")), "")
    return "seconds" if found == "timestamp_seconds" else found


def full_paths(entity: Entity, field: str) -> Iterator[str]:
    """The paths of a field from the root of the object, in every place where the entity lives."""
    for prefix in prefixes(entity):
        yield ".".join(filter(None, (prefix, field)))


def prefixes(entity: Entity) -> Iterator[str]:
    """Where the entity lives, from the root of the object: generic, and by every key that is known."""
    if entity.within is None:
        yield ""
        return
    for outer in prefixes(entity.within):
        for place in entity.places:
            generic = ".".join(filter(None, (outer, place.path)))
            yield _NUMBER.sub(".{key}", _KEY.sub("{key}", generic))
            for known in entity.known:
                yield _KEY.sub(known, generic)
