"""String fields of a row: its info series, its state sets, and the labels that can change.

Called only when a string differs from what the row holds, so none of this is on the fast path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from collector.metrics.interning import intern_text
from collector.metrics.labels import render_pairs
from collector.metrics.model import Info, StateSet, layout
from collector.metrics.store import NAN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from collector.metrics.model import Entity, Label
    from collector.metrics.store import Table

Slot = tuple[int, int]  # (text group, index in it)
Texts = list[tuple[object, ...]]  # as received: text, a number, None for null, UNSET for never received


class TextFields:
    """The string fields of one entity, and the samples and labels that are made of them."""

    def __init__(self, table: Table, text_at: Mapping[str, Slot]) -> None:
        self.table = table
        entity = table.entity
        self._infos = [
            (column, [(name, [text_at[path] for path in as_tuple(paths)]) for name, paths in info.fields.items()])
            for column, info in zip(table.infos, infos_of(entity), strict=True)
        ]
        self._groups_read = [{group for _, slots in fields for group, _ in slots} for _, fields in self._infos]
        self._states = [
            (family, text_at[family.path], column) for family, column in layout(entity) if isinstance(family, StateSet)
        ]
        self.dynamic_labels: list[tuple[str, Label, Slot]] = [
            (name, label, text_at[label.field]) for name, label in labels_of(entity).items() if label.field is not None
        ]

    def update(self, row: int, group: int, given: tuple[object, ...], key: str) -> None:
        """Merge received strings into the row and write what depends on those that changed.

        Args:
            row: the row.
            group: the text group of the strings.
            given: the strings of that group; UNSET for absent.
            key: the row's own key.
        """
        known = self.table.texts[group][row]
        assert known is not None  # noqa: S101 - the row is in use
        merged = tuple([merge(old, new) for old, new in zip(known, given, strict=True)])
        if merged == known:
            return
        self.table.texts[group][row] = merged
        texts = [of_group[row] or () for of_group in self.table.texts]
        self._write_states(row, texts, group)
        if self.dynamic_labels:
            self.write_labels(row, key, texts)
        for (column, fields), groups in zip(self._infos, self._groups_read, strict=True):
            if group in groups:
                column.texts[row] = info_labels(texts, fields)

    def write_labels(self, row: int, key: str, texts: Texts | None) -> None:
        """Write the labels that depend on the row's strings."""
        own = {
            name: label.of(key, known_text(texts[g][i]) if texts else None)
            for name, label, (g, i) in self.dynamic_labels
        }
        self.table.set_ending(row, append_labels(*self.table.inherited_labels(row), render_pairs(own)))

    def _write_states(self, row: int, texts: Texts, changed: int) -> None:
        values, offset = self.table.values, row * self.table.width
        for family, (group, index), column in self._states:
            if group != changed:
                continue
            text = known_text(texts[group][index])
            names = family.columns
            if text is None:
                one_hot = [NAN] * len(names)
            else:
                state = family.fold(text)
                present = names.index(state) if state in names else len(names) - 1
                one_hot = [float(i == present) for i in range(len(names))]
            for i, value in enumerate(one_hot):
                values[offset + column + i] = value


def append_labels(labels: bytes, ending: bytes, pairs: bytes) -> bytes:
    """Return `ending` with `pairs` appended; a comma goes between them unless `labels` and `ending` are empty."""
    return ending + b"," + pairs if pairs and (labels or ending) else ending + pairs


def merge(old: object, new: object) -> object:
    """Return the new value, or the old one if the new one is absent. Strings are interned."""
    if new is UNSET:
        return old
    return intern_text(new) if type(new) is str else new


def known_text(value: object) -> str | None:
    """Return a value as text; None if it is null, empty or was never received."""
    return None if value is UNSET or value is None or value == "" else str(value)


def info_labels(texts: Texts, fields: list[tuple[str, list[Slot]]]) -> bytes | None:
    """Return the labels of one info series, with a comma at the end; None when no field has a value."""
    known = {}
    for name, slots in fields:
        value = next((text for g, i in slots if (text := known_text(texts[g][i])) is not None), None)
        if value is not None:
            known[name] = value
    return render_pairs(known) + b"," if known else None


def infos_of(entity: Entity) -> list[Info]:
    """Return the info families of an entity, in order."""
    return [family for family in entity.families if isinstance(family, Info)]


def labels_of(entity: Entity) -> Mapping[str, Label]:
    """Return the own labels of a nested entity; the labels of a root come from its context."""
    return entity.labels if isinstance(entity.labels, dict) else {}


def as_tuple(paths: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return one path or several as a tuple."""
    return (paths,) if isinstance(paths, str) else paths
