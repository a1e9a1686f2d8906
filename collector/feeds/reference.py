"""The metric reference as data: every family with its labels and source fields, and the fields that are not exported.

Source fields are dotted paths with `{key}` for a key of a map and `[*]` for an element of a list.
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
from collector.catalog.event_rules import WEBHOOK
from collector.catalog.object_tables import OBJECTS
from collector.feeds.router import FeedRouter
from collector.metrics.model import Family, Info, StateSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector.metrics.model import AnyFamily, Entity

UNITS = (
    "bytes_per_second", "timestamp_seconds", "seconds", "bytes", "ratio", "celsius", "watts", "meters", "pixels",
    "volts", "hertz", "pascals", "degrees", "dbm", "db", "g",
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
SINCE: dict[str, str] = {}  # release of the families added after the first release
_KEY = re.compile(r"\{\w+\}")
_NUMBER = re.compile(r"\.\d+\Z")  # a numeric path segment is a key of a map


class Source(TypedDict):
    """A field that a family is read from."""

    object: str
    path: str


class FamilyEntry(TypedDict):
    """A family."""

    name: str
    type: str
    unit: str
    help: str
    labels: list[str]
    option: str  # configuration key that enables the family; "" if it is always enabled
    since: str  # release that added the family
    sources: list[Source]


class Unexported(TypedDict):
    """A field that is not exported, and the reason."""

    object: str
    path: str
    reason: str


class Reference(TypedDict):
    """The metric reference."""

    families: list[FamilyEntry]
    not_exported: list[Unexported]


def reference() -> Reference:
    """Return all families, sorted by name, and the fields that are not exported."""
    entries: dict[str, FamilyEntry] = {}
    router = FeedRouter()
    for kind in router.kinds():
        for entity in kind.entities:
            for family in entity.families:
                add(entries, kind.name, entity, family)
    for entity in computed_entities(router):
        for family in entity.families:
            add(entries, entity.of or entity.name, entity, family)
    for feed in router.feeds:
        for name, object_, path in feed.sources():
            add_source(entries[name], object_, path)
    add_nested_lists(entries)
    return {
        "families": [entries[name] for name in sorted(entries)],
        "not_exported": [
            {"object": name, "path": path, "reason": reason}
            for name, paths in NOT_EXPORTED.items()
            for path, reason in sorted(paths.items())
        ],
    }


def add_nested_lists(entries: dict[str, FamilyEntry]) -> None:
    """Add the lists inside the statistics of devices to the sources of the objects that they contain."""
    for one in OBJECTS:
        for owner, _, key in (where.partition(".") for where in one.inside):
            for entity, family in ((root, column) for root in one.roots for column in root.families):
                add(entries, owner, entity, family, inside=f"{key}[*]")


def computed_entities(router: FeedRouter) -> Iterator[Entity]:
    """Yield the entities whose values the collector computes; those of positions are in another package."""
    yield from (*location.AGGREGATES, *location.OPTIONAL)
    for feed in router.feeds:
        yield from feed.computed()


def add(entries: dict[str, FamilyEntry], name: str, entity: Entity, family: AnyFamily, *, inside: str = "") -> None:
    """Add a column of a family: a new entry, or more labels and sources of an existing one.

    Args:
        entries: The entries by family name.
        name: Name of the object that the entity is read from.
        entity: The entity of the column.
        family: The family of the column.
        inside: Path of the list inside the object `name` that contains the entity; "" if there is none.
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
    if name == "record" or name.startswith(WEBHOOK):
        return  # records repeat the fields of the device object; the sources of events are in their topic tables
    for path in sorted({path for field in family.sources for path in full_paths(entity, field)}):
        add_source(entry, name, ".".join(filter(None, (inside, path))))


def add_source(entry: FamilyEntry, name: str, path: str) -> None:
    """Add a source field to an entry, unless it is present."""
    source: Source = {"object": name, "path": path}
    if source not in entry["sources"]:
        entry["sources"].append(source)


def labels_of(entity: Entity, family: AnyFamily) -> list[str]:
    """Return the label names of a family in an entity: those of the row, then those of the family."""
    own: list[str] = []
    if isinstance(family, Family):
        own = list(family.labels)
    elif isinstance(family, Info):
        own = list(family.fields)
    elif isinstance(family, StateSet):
        own = [*family.labels, family.label]
    return [*entity.label_names, *own]


def unit_of(name: str) -> str:
    """Return the unit in the name of a family, empty for counts and states."""
    bare = name.removesuffix("_total")
    found = next((unit for unit in UNITS if bare.endswith(f"_{unit}")), "")
    return "seconds" if found == "timestamp_seconds" else found


def full_paths(entity: Entity, field: str) -> Iterator[str]:
    """Yield the paths of a field from the root of the object, for every place of the entity."""
    for prefix in prefixes(entity):
        yield ".".join(filter(None, (prefix, field)))


def prefixes(entity: Entity) -> Iterator[str]:
    """Yield the paths of an entity from the root of the object: with `{key}`, and with every known key of the map."""
    if entity.within is None:
        yield ""
        return
    for outer in prefixes(entity.within):
        for place in entity.places:
            generic = ".".join(filter(None, (outer, place.path)))
            yield _NUMBER.sub(".{key}", _KEY.sub("{key}", generic))
            for known in entity.known:
                yield _KEY.sub(known, generic)
