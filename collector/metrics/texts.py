"""What follows from a row's strings: its info series, its state sets, the labels that may change.

Called only when a string differs from what the row already holds, so none of this is on the fast path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from collector.metrics.labels import render_pairs
from collector.metrics.model import Info, StateSet, layout
from collector.metrics.shared_texts import share
from collector.metrics.store import NAN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from collector.metrics.model import Entity, Label
    from collector.metrics.store import Table

Slot = tuple[int, int]  # (text group, index in it)
Texts = list[tuple[object, ...]]  # as they came: text, a number, None for null, UNSET for never said


class TextRoles:
    """The strings of one entity and what each is good for."""

    def __init__(self, table: Table, text_at: Mapping[str, Slot]) -> None:
        self.table = table
        entity = table.entity
        self._infos = [
            (column, [(name, [text_at[path] for path in as_tuple(paths)]) for name, paths in info.fields.items()])
            for column, info in zip(table.infos, infos_of(entity), strict=True)
        ]
        self._reads = [{group for _, slots in fields for group, _ in slots} for _, fields in self._infos]
        self._states = [
            (family, text_at[family.path], column) for family, column in layout(entity) if isinstance(family, StateSet)
        ]
        self.dynamic: list[tuple[str, Label, Slot]] = [
            (name, label, text_at[label.field]) for name, label in labels_of(entity).items() if label.field is not None
        ]

    def update(self, row: int, group: int, given: tuple[object, ...], key: str) -> None:
        """Merge the strings given for one group into the row; where that changes something, draw the consequences."""
        known = self.table.texts[group][row]
        assert known is not None  # noqa: S101 - the row is in use
        merged = tuple([merge(old, new) for old, new in zip(known, given, strict=True)])
        if merged == known:
            return
        self.table.texts[group][row] = merged
        texts = [of_group[row] or () for of_group in self.table.texts]
        self._write_states(row, texts, group)
        if self.dynamic:
            self.label(row, key, texts)
        for (column, fields), groups in zip(self._infos, self._reads, strict=True):
            if group in groups:
                column.texts[row] = render_info(texts, fields)

    def label(self, row: int, key: str, texts: Texts | None) -> None:
        """Write the labels that depend on the row's strings."""
        own = {name: label.of(key, spelled(texts[g][i]) if texts else None) for name, label, (g, i) in self.dynamic}
        self.table.end_with(row, joined(*self.table.base(row), render_pairs(own)))

    def _write_states(self, row: int, texts: Texts, changed: int) -> None:
        values, offset = self.table.values, row * self.table.width
        for family, (group, index), column in self._states:
            if group != changed:
                continue
            text = spelled(texts[group][index])
            names = family.columns
            if text is None:
                one_hot = [NAN] * len(names)
            else:
                state = family.fold(text)
                present = names.index(state) if state in names else len(names) - 1
                one_hot = [float(i == present) for i in range(len(names))]
            for i, value in enumerate(one_hot):
                values[offset + column + i] = value


def joined(labels: bytes, ending: bytes, pairs: bytes) -> bytes:
    """The ending of a label text that begins with `labels` and `ending` and goes on with `pairs`."""
    return ending + b"," + pairs if pairs and (labels or ending) else ending + pairs


def merge(old: object, new: object) -> object:
    """Absent keeps what was known. Strings are kept once, however many rows hold the same."""
    if new is UNSET:
        return old
    return share(new) if type(new) is str else new


def spelled(value: object) -> str | None:
    """A string to show; null, empty and never said are all unknown."""
    return None if value is UNSET or value is None or value == "" else str(value)


def render_info(texts: Texts, fields: list[tuple[str, list[Slot]]]) -> bytes | None:
    """The labels of one info series, ending in a comma; None when nothing is known."""
    known = {}
    for name, slots in fields:
        value = next((text for g, i in slots if (text := spelled(texts[g][i])) is not None), None)
        if value is not None:
            known[name] = value
    return render_pairs(known) + b"," if known else None


def infos_of(entity: Entity) -> list[Info]:
    """The info families in their order."""
    return [family for family in entity.families if isinstance(family, Info)]


def labels_of(entity: Entity) -> Mapping[str, Label]:
    """The labels of a nested entity; a root's labels come from its context."""
    return entity.labels if isinstance(entity.labels, dict) else {}


def as_tuple(paths: str | tuple[str, ...]) -> tuple[str, ...]:
    """One path or several, as several."""
    return (paths,) if isinstance(paths, str) else paths
