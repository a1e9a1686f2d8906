"""The rows of each object: for every identity (MAC of a device, id of a site) the rows that it owns, and their expiry.

An `ObjectRows` mirrors a payload: the rows of the object itself, and for each collection inside it a dict from key to
row, or to another `ObjectRows` where rows contain rows. Rows are found by walking these dicts, so no key is built.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import UNSET

from collector.metrics.labels import render_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from collector.metrics.store import Table

NO_ROW: Final = -1
NOTHING_WRITTEN: Final = -1  # no text has this checksum
_ABSENT: Final[list[tuple[object, ...]]] = []  # by number of strings: one tuple of UNSET for all rows


class ObjectRows:
    """The rows of one object. `labels` are the values of the label names of its `RowIndex`, in order."""

    __slots__ = ("checksums", "children", "labels", "rows", "spec")

    def __init__(self, spec: RowSpec, labels: tuple[str, ...], rows: list[int]) -> None:
        self.spec = spec
        self.labels = labels
        self.rows = rows
        self.children: list[Children | Child | None] = [None] * len(spec.collections)
        self.checksums: array[int]  # of the JSON texts of the `skip_unchanged` fields as last written
        self.forget_unchanged()

    def forget_unchanged(self) -> None:
        """Write the `skip_unchanged` fields of the next message even if their text is the same as before."""
        self.checksums = array("q", [NOTHING_WRITTEN]) * self.spec.skip_unchanged


Child: TypeAlias = "int | ObjectRows"  # a row that contains no rows is just its number
Children: TypeAlias = "dict[str, Child]"  # by key; the element of a `single` collection is stored without a dict


@dataclass(slots=True, eq=False)
class CollectionSpec:
    """One collection of a row.

    Attributes:
        table: the table of its elements.
        inner: the rows inside an element.
        text_groups: sizes of the text groups of an element.
        skip_unchanged: it is not written while its text is unchanged, so its rows end together with their owner.
        single: it has at most one element, without a key.
    """

    table: Table
    inner: RowSpec
    text_groups: tuple[int, ...]
    skip_unchanged: bool = False
    single: bool = False


@dataclass(slots=True, eq=False)
class RowSpec:
    """The rows that an object owns; the same for all objects of a kind.

    Attributes:
        tables: the tables of the root rows.
        collections: the collections, by position.
        text_groups: per table the sizes of its text groups.
        skip_unchanged: number of `skip_unchanged` fields of the object.
    """

    tables: tuple[Table, ...]
    collections: tuple[CollectionSpec, ...] = ()
    text_groups: tuple[tuple[int, ...], ...] = field(default=())
    skip_unchanged: int = 0


class RowIndex:
    """The rows of all objects whose identities are of one sort. `label_names` are the labels of their rows."""

    def __init__(self, label_names: tuple[str, ...]) -> None:
        self.label_names = label_names
        self.objects: dict[str, ObjectRows] = {}

    def root_labels(self, table: Table, object_rows: ObjectRows) -> bytes:
        """Return the label text of a root row: the labels of the entity, then the extra labels of the store."""
        values = dict(zip(self.label_names, object_rows.labels, strict=True))
        own = {name: values[name] for name in table.entity.label_names}
        return render_pairs({**own, **table.store.extra_labels(own)})

    def relabel(self, object_rows: ObjectRows) -> None:
        """Render the labels of an object and of all rows inside it again, because the extra labels have changed."""
        for table, row in zip(object_rows.spec.tables, object_rows.rows, strict=True):
            if row == NO_ROW:
                continue
            old, new = table.labels[row], self.root_labels(table, object_rows)
            if old != new:
                table.labels[row] = new
                relabel_nested(object_rows, old, new)

    def object_rows(self, identity: str, labels: tuple[str, ...], spec: RowSpec) -> ObjectRows:
        """Return the rows of an object, created at its first use.

        If its labels have changed, its old rows end. If its kind has changed, those in tables of the old kind only end.
        """
        known = self.objects.get(identity)
        if known is not None and known.spec is spec and known.labels == labels:
            return known
        rows = [NO_ROW] * len(spec.tables)
        if known is not None:
            if known.labels == labels:
                share_rows(known, spec, rows)
            self.remove(identity)
        made = self.objects[identity] = ObjectRows(spec, labels, rows)
        return made

    def row(self, object_rows: ObjectRows, position: int) -> int:
        """Return the root row at this position, created if there is none."""
        row = object_rows.rows[position]
        if row == NO_ROW:
            table = object_rows.spec.tables[position]
            row = object_rows.rows[position] = table.new_row(self.root_labels(table, object_rows))
            blank_texts(table, row, object_rows.spec.text_groups[position])
            object_rows.forget_unchanged()  # the new row has no values yet
        return row

    def remove(self, identity: str) -> bool:
        """End every series of this identity; return whether it was known."""
        object_rows = self.objects.pop(identity, None)
        if object_rows is None:
            return False
        free_object(object_rows)
        return True

    def sweep(self, now: float, identities: list[str], on_expired: Callable[[str, ObjectRows], None]) -> int:
        """End the rows of these identities that were not updated within their time to live; return their number.

        `on_expired` is called for each object of which a root row ended.
        """
        ended = 0
        for identity in identities:
            object_rows = self.objects.get(identity)
            if object_rows is None:
                continue
            count = sweep_children(object_rows, now)
            roots = sweep_roots(object_rows, now)
            ended += count + roots
            if roots:
                on_expired(identity, object_rows)
        return ended


def share_rows(known: ObjectRows, spec: RowSpec, rows: list[int]) -> None:
    """Move the root rows of tables that both kinds have to `rows`."""
    for position, table in enumerate(spec.tables):
        if table in known.spec.tables:
            before = known.spec.tables.index(table)
            rows[position], known.rows[before] = known.rows[before], NO_ROW


def relabel_nested(object_rows: ObjectRows, old: bytes | None, new: bytes) -> None:
    """Replace the label text of the object in every row inside it."""
    for spec, child in nested(object_rows):
        row = child if isinstance(child, int) else child.rows[0]
        if spec.table.labels[row] == old:
            spec.table.labels[row] = new
        if not isinstance(child, int):
            relabel_nested(child, old, new)


def blank_texts(table: Table, row: int, sizes: tuple[int, ...]) -> None:
    """Set all strings of a new row to UNSET."""
    for group, size in enumerate(sizes):
        while size >= len(_ABSENT):
            _ABSENT.append((UNSET,) * len(_ABSENT))
        table.text_group(group)[row] = _ABSENT[size]


def sweep_roots(owner: ObjectRows, now: float) -> int:
    """End expired root rows; return the number of ended rows."""
    ended = 0
    for position, table in enumerate(owner.spec.tables):
        row, ttl_s = owner.rows[position], table.ttl_s
        if row != NO_ROW and ttl_s is not None and table.values[row * table.width] < now - ttl_s:
            table.free_row(row)
            owner.rows[position] = NO_ROW
            ended += 1
    return ended + (end_skipped(owner) if ended else 0)


def end_skipped(owner: ObjectRows) -> int:
    """End the rows of `skip_unchanged` collections, which end with their owner; return their number."""
    ended = 0
    for position, spec in enumerate(owner.spec.collections):
        if spec.skip_unchanged:
            gone = elements(owner, position)
            for child in gone.values():
                free_child(spec, child)
            ended += len(gone)
            owner.children[position] = None
    return ended


def elements(owner: ObjectRows, position: int) -> Children:
    """Return the rows of one collection by key; the key of a `single` one is empty."""
    found = owner.children[position]
    if isinstance(found, dict):
        return found
    return {} if found is None else {"": found}


def drop(owner: ObjectRows, position: int, key: str) -> None:
    """Remove a row that has ended from its collection."""
    found = owner.children[position]
    if isinstance(found, dict):
        del found[key]
    else:
        owner.children[position] = None


def sweep_children(owner: ObjectRows, now: float) -> int:
    """End expired nested rows; return the number of ended rows."""
    ended = 0
    for position, spec in enumerate(owner.spec.collections):
        if owner.children[position] is None or spec.skip_unchanged:
            continue
        table = spec.table
        values, width, ttl_s = table.values, table.width, table.ttl_s
        for key, child in list(elements(owner, position).items()):
            row = child if isinstance(child, int) else child.rows[0]
            if ttl_s is not None and values[row * width] < now - ttl_s:
                free_child(spec, child)
                drop(owner, position, key)
                ended += 1
            elif not isinstance(child, int):
                ended += sweep_children(child, now)
    return ended


def free_child(spec: CollectionSpec, child: Child) -> None:
    """End a nested row and all rows inside it."""
    if isinstance(child, int):
        spec.table.free_row(child)
    else:
        free_object(child)


def free_object(owner: ObjectRows) -> None:
    """End every row of an object."""
    for spec, child in nested(owner):
        free_child(spec, child)
    for table, row in zip(owner.spec.tables, owner.rows, strict=True):
        if row != NO_ROW:
            table.free_row(row)


def nested(owner: ObjectRows) -> Iterator[tuple[CollectionSpec, Child]]:
    """Yield the rows directly inside these rows, each with its collection."""
    for position, spec in enumerate(owner.spec.collections):
        for child in elements(owner, position).values():
            yield spec, child
