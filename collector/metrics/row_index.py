"""Who is there: for each identity (a device's MAC, a site's id) the rows it owns, and their end.

A `ObjectRows` mirrors a payload: the rows of the object itself, and for each collection inside it a dict from key to row (or
to a `ObjectRows` where rows live within rows). Rows are found by walking these dicts, so no key is built on the way.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from msgspec import UNSET

from collector.metrics.labels import render_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from collector.metrics.store import Table

NO_ROW = -1
NEVER_TOLD = -1  # no text has this checksum
NOTHING_SAID: list[tuple[object, ...]] = []  # by number of strings: one tuple for all rows


class ObjectRows:
    """The rows of one object. `labels` are the values of its roster's label names, in order."""

    __slots__ = ("children", "labels", "rows", "spec", "steady")

    def __init__(self, spec: RowSpec, labels: tuple[str, ...], rows: list[int]) -> None:
        self.spec = spec
        self.labels = labels
        self.rows = rows
        self.children: list[Children | Child | None] = [None] * len(spec.collections)
        self.steady: array[int]  # checksums of the texts of steady fields as last written, or NEVER_TOLD
        self.forget_steady()

    def forget_steady(self) -> None:
        """Whatever the steady fields are told next is written, the same text as before, too."""
        self.steady = array("q", [NEVER_TOLD]) * self.spec.steady


Child: TypeAlias = "int | ObjectRows"  # a row without rows inside it is just its number
Children: TypeAlias = "dict[str, Child]"  # by key; of what there can be one of only, the child stands in its place


@dataclass(slots=True, eq=False)
class CollectionSpec:
    """One collection of a row: the table of its elements, how they begin, what lives inside them.

    The rows of a steady collection are not spoken of while its text stays the same: they end with their owner.
    Of a `single` one there is one element at most, without a key.
    """

    table: Table
    inner: RowSpec
    text_groups: tuple[int, ...]
    steady: bool = False
    single: bool = False


@dataclass(slots=True, eq=False)
class RowSpec:
    """What kind of rows an object owns; the same for all objects of a kind."""

    tables: tuple[Table, ...]
    collections: tuple[CollectionSpec, ...] = ()
    text_groups: tuple[tuple[int, ...], ...] = field(default=())  # per table: sizes of its text groups
    steady: int = 0  # steady fields of the object


class RowIndex:
    """All places of one sort of identity, and the names of the labels their rows carry."""

    def __init__(self, label_names: tuple[str, ...]) -> None:
        self.label_names = label_names
        self.places: dict[str, ObjectRows] = {}

    def root_labels(self, table: Table, place: ObjectRows) -> bytes:
        """Label text of a root row: the entity's labels, then what the store adds to every row."""
        values = dict(zip(self.label_names, place.labels, strict=True))
        own = {name: values[name] for name in table.entity.label_names}
        return render_pairs({**own, **table.store.decorate(own)})

    def relabel(self, place: ObjectRows) -> None:
        """Render the labels of a place and of all rows inside it anew: what the store adds has changed."""
        for table, row in zip(place.spec.tables, place.rows, strict=True):
            if row == NO_ROW:
                continue
            old, new = table.labels[row], self.root_labels(table, place)
            if old != new:
                table.labels[row] = new
                relabel_nested(place, old, new)

    def place(self, identity: str, labels: tuple[str, ...], spec: RowSpec) -> ObjectRows:
        """The place of this identity. Other labels end its rows; another kind ends those that the two do not share."""
        known = self.places.get(identity)
        if known is not None and known.spec is spec and known.labels == labels:
            return known
        rows = [NO_ROW] * len(spec.tables)
        if known is not None:
            if known.labels == labels:
                share_rows(known, spec, rows)
            self.remove(identity)
        made = self.places[identity] = ObjectRows(spec, labels, rows)
        return made

    def row(self, place: ObjectRows, position: int) -> int:
        """The root row at this position, made when there is none."""
        row = place.rows[position]
        if row == NO_ROW:
            table = place.spec.tables[position]
            row = place.rows[position] = table.new_row(self.root_labels(table, place))
            blank_texts(table, row, place.spec.text_groups[position])
            place.forget_steady()  # the new row has to be told everything
        return row

    def remove(self, identity: str) -> bool:
        """End every series of this identity; False when it is not known."""
        place = self.places.pop(identity, None)
        if place is None:
            return False
        free_place(place)
        return True

    def sweep(self, now: float, identities: list[str], on_silent: Callable[[str, ObjectRows], None]) -> int:
        """End the rows of these identities that nobody spoke of within their time to live; how many ended.

        `on_silent` is called for each object all of whose mortal root rows ended.
        """
        ended = 0
        for identity in identities:
            place = self.places.get(identity)
            if place is None:
                continue
            count = sweep_children(place, now)
            silent = sweep_roots(place, now)
            ended += count + silent
            if silent:
                on_silent(identity, place)
        return ended


def share_rows(known: ObjectRows, spec: RowSpec, rows: list[int]) -> None:
    """Hand the root rows of tables that both kinds have over to `rows`."""
    for position, table in enumerate(spec.tables):
        if table in known.spec.tables:
            before = known.spec.tables.index(table)
            rows[position], known.rows[before] = known.rows[before], NO_ROW


def relabel_nested(place: ObjectRows, old: bytes | None, new: bytes) -> None:
    """The same for every row inside a place whose label text begins so."""
    for spec, child in nested(place):
        row = child if isinstance(child, int) else child.rows[0]
        if spec.table.labels[row] == old:
            spec.table.labels[row] = new
        if not isinstance(child, int):
            relabel_nested(child, old, new)


def blank_texts(table: Table, row: int, sizes: tuple[int, ...]) -> None:
    """Nothing has been said yet."""
    for group, size in enumerate(sizes):
        while size >= len(NOTHING_SAID):
            NOTHING_SAID.append((UNSET,) * len(NOTHING_SAID))
        table.text_group(group)[row] = NOTHING_SAID[size]


def sweep_roots(place: ObjectRows, now: float) -> int:
    """End root rows past their time; how many."""
    ended = 0
    for position, table in enumerate(place.spec.tables):
        row, ttl_s = place.rows[position], table.ttl_s
        if row != NO_ROW and ttl_s is not None and table.values[row * table.width] < now - ttl_s:
            table.free_row(row)
            place.rows[position] = NO_ROW
            ended += 1
    return ended + (end_steady(place) if ended else 0)


def end_steady(place: ObjectRows) -> int:
    """End the rows that live as long as their owner; how many."""
    ended = 0
    for position, spec in enumerate(place.spec.collections):
        if spec.steady:
            gone = elements(place, position)
            for child in gone.values():
                free_child(spec, child)
            ended += len(gone)
            place.children[position] = None
    return ended


def elements(place: ObjectRows, position: int) -> Children:
    """The rows of one collection by key, also where there is one at most."""
    found = place.children[position]
    if isinstance(found, dict):
        return found
    return {} if found is None else {"": found}


def drop(place: ObjectRows, position: int, key: str) -> None:
    """Forget a row that has ended."""
    found = place.children[position]
    if isinstance(found, dict):
        del found[key]
    else:
        place.children[position] = None


def sweep_children(place: ObjectRows, now: float) -> int:
    """End nested rows past their time; how many."""
    ended = 0
    for position, spec in enumerate(place.spec.collections):
        if place.children[position] is None or spec.steady:
            continue
        table = spec.table
        values, width, ttl_s = table.values, table.width, table.ttl_s
        for key, child in list(elements(place, position).items()):
            row = child if isinstance(child, int) else child.rows[0]
            if ttl_s is not None and values[row * width] < now - ttl_s:
                free_child(spec, child)
                drop(place, position, key)
                ended += 1
            elif not isinstance(child, int):
                ended += sweep_children(child, now)
    return ended


def free_child(spec: CollectionSpec, child: Child) -> None:
    """End a nested row and all rows inside it."""
    if isinstance(child, int):
        spec.table.free_row(child)
    else:
        free_place(child)


def free_place(place: ObjectRows) -> None:
    """End every row of a place."""
    for spec, child in nested(place):
        free_child(spec, child)
    for table, row in zip(place.spec.tables, place.rows, strict=True):
        if row != NO_ROW:
            table.free_row(row)


def nested(place: ObjectRows) -> Iterator[tuple[CollectionSpec, Child]]:
    """The rows directly inside this place."""
    for position, spec in enumerate(place.spec.collections):
        for child in elements(place, position).values():
            yield spec, child
