"""What the tables mean, said as plainly as possible: the oracle for the compiled decoder, writer and store.

No structs, no columns, no generated code: payloads are walked as dicts, and what is known is kept in dicts. Slow, and
written from the documentation of `collector.metrics.model`, not from the code that it checks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from collector.metrics.model import EPOCH, Counter, Family, Flag, Histogram, Info, StateSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from collector.metrics.model import At, Entity, Guard, Scale

Labels = frozenset[tuple[str, str]]
Samples = dict[tuple[str, Labels], float]

ABSENT: Any = object()  # says nothing, so what was known stays


@dataclass
class Row:
    """One row: what is known of it by field, and the rows inside it by place and key."""

    entity: Entity
    base: dict[str, str]  # labels that cannot change
    key: str = ""
    values: dict[int, float] = field(default_factory=dict)  # by position of the family
    texts: dict[str, str] = field(default_factory=dict)
    inside: dict[tuple[Entity, str], dict[str, Row]] = field(default_factory=dict)  # (entity, place) -> key -> row


class Naive:
    """One object of one kind, and what its messages said so far."""

    def __init__(self, entities: Iterable[Entity], labels: Mapping[str, str], steady: Iterable[str] = ()) -> None:
        entities = tuple(entities)
        self._whole = set(steady)  # maps among these are told whole: what is missing in them is gone
        self._nested = [entity for entity in entities if entity.within is not None]
        self._roots = [
            Row(entity, {name: labels[name] for name in entity.label_names})
            for entity in entities
            if entity.within is None
        ]

    def apply(self, payload: dict[str, Any]) -> None:
        """Merge one message."""
        for row in self._roots:
            self._write(row, payload, payload)

    def samples(self) -> Samples:
        """Everything that would be exposed, apart from columns that code sets."""
        found: Samples = {}
        for row in self._roots:
            self._tell(row, found)
        return found

    def _write(self, row: Row, source: dict[str, Any], root: dict[str, Any]) -> None:
        for position, family in enumerate(row.entity.families):
            if isinstance(family, Family) and family.paths:
                merge(row.values, position, preferred(source, family))
        for path in text_paths(row.entity):
            merge(row.texts, path, text(look(source, path)))
        for entity in self._nested:
            if entity.within is row.entity and believed(entity, root):
                for at in entity.places:
                    self._collection(row, entity, at, source, root)

    def _collection(self, row: Row, entity: Entity, at: At, source: dict[str, Any], root: dict[str, Any]) -> None:
        rows = row.inside.setdefault((entity, at.path), {})
        elements = elements_of(entity, at.path, source)
        if elements is None:
            rows.clear()
            return
        whole = self._told_whole(at.path, source, root)
        for key, element in elements:
            if element is None or (isinstance(element, dict) and any(holds(guard, element) for guard in entity.unless)):
                rows.pop(key, None)
                continue
            if key not in rows:
                rows[key] = Row(entity, row.base | dict(at.labels) | fixed_labels(entity, key), key)
            if isinstance(element, dict):
                self._write(rows[key], element, root)
            elif element is not ABSENT:
                merge(rows[key].values, 0, element)
        for key in set(rows) - {key for key, _ in elements} if whole else ():
            del rows[key]

    def _told_whole(self, path: str, source: dict[str, Any], root: dict[str, Any]) -> bool:
        """Whether this is a map that says with every message all that it holds."""
        steady = source is root and path.partition(".")[0] in self._whole
        return steady and path.endswith("}") and isinstance(look(source, path.rpartition(".")[0]), dict)

    def _tell(self, row: Row, found: Samples) -> None:
        base = row.base | changing_labels(row)
        for position, family in enumerate(row.entity.families):
            for name, labels, value in told(row, position, family):
                key = name, frozenset((k, v) for k, v in {**base, **labels}.items() if v)
                assert key not in found, f"two rows tell {key}"
                found[key] = value
        for rows in row.inside.values():
            for inner in rows.values():
                self._tell(inner, found)


# what a payload says


def look(source: object, path: str) -> Any:
    """The value at a dotted path; None if it, or an object on the way to it, is null."""
    for name in path.split("."):
        if not isinstance(source, dict) or name not in source:
            return ABSENT
        source = source[name]
        if source is None:
            return None
    return source


def preferred(source: dict[str, Any], family: Family) -> Any:
    """Of several names of a field the first that has a value; null if some are null and none has one."""
    said = [convert(family, look(source, path)) for path in family.paths]
    values = [value for value in said if value is not None and value is not ABSENT]
    return values[0] if values else None if None in said else ABSENT


def convert(family: Family, value: Any) -> Any:
    """A measurement as a number, None for null, ABSENT for what cannot be one."""
    if family.scale is EPOCH:
        return moment(value)
    value = yes_or_no(value) if isinstance(family, Flag) else number(value)
    below = isinstance(family, Counter) and isinstance(value, float) and value < 0
    return ABSENT if below else value


def number(value: Any) -> Any:
    """Numbers and text that spells one."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return ABSENT
    try:
        value = float(value)
    except (ValueError, OverflowError):
        return ABSENT
    return value if math.isfinite(value) else ABSENT


def yes_or_no(value: Any) -> Any:
    """Booleans, 0 and 1, and text that spells them."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        value = {"true": True, "false": False, "1": True, "0": False}.get(value.lower(), ABSENT)
    return float(value) if isinstance(value, (bool, int, float)) and value in (0, 1) else ABSENT


def moment(value: Any) -> Any:
    """Numbers, and ISO 8601."""
    if isinstance(value, str) and value and number(value) is ABSENT:
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError:
            return ABSENT
        return None if parsed.year == 1 else (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    return number(value)


def text(value: Any) -> Any:
    """Text, and what can be spelled."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value % 1 == 0 else repr(value)
    return str(value) if isinstance(value, (int, str)) else None if value is None else ABSENT


def merge(known: dict[Any, Any], key: object, said: Any) -> None:
    """Absent keeps what was known, null forgets it."""
    if said is None:
        known.pop(key, None)
    elif said is not ABSENT:
        known[key] = said


# rows


def believed(entity: Entity, root: dict[str, Any]) -> bool:
    """Whether the section is to be believed in this message."""
    return entity.requires is None or number(look(root, entity.requires)) not in (None, ABSENT)


def elements_of(entity: Entity, place: str, source: dict[str, Any]) -> list[tuple[str, Any]] | None:
    """Key and element of everything at a place; None if the place is null. What cannot be read is ABSENT."""
    path, many = place.removesuffix("[*]"), place.endswith("[*]")
    keyed = path.endswith("}")
    container = look(source, path.rpartition(".")[0] if keyed else path)
    if container is None:
        return None
    if keyed:
        items = container.items() if isinstance(container, dict) else ()
        return [(key, said) for key, value in items if (said := readable(entity, value)) is not ABSENT]
    if not many:
        return [("", container)] if isinstance(container, dict) else []
    if isinstance(container, dict) and not scalar(entity):
        container = [container] if container else []  # the only one, said without a list
    said = [readable(entity, value) for value in container] if isinstance(container, list) else []
    return list(zip(keys_of(entity, said), said, strict=True))


def readable(entity: Entity, value: Any) -> Any:
    """An element as it can be used: an object, a number, None, or ABSENT."""
    family = scalar(entity)
    if family is not None:
        return convert(family, value)
    return value if value is None or isinstance(value, dict) else ABSENT


def scalar(entity: Entity) -> Family | None:
    """The family that is the element itself, where elements are bare values."""
    return next((family for family in entity.families if isinstance(family, Family) and family.path == ""), None)


def keys_of(entity: Entity, elements: list[Any]) -> Iterator[str]:
    """What each element of a list is called: by its own field, else by its place, always differently."""
    used: set[str] = set()
    for index, element in enumerate(elements):
        names = [text(look(element, name)) for name in entity.keys] if isinstance(element, dict) else []
        key = next((name for name in names if name not in (None, ABSENT, "")), str(index))
        key = f"{key}#{index}" if key in used else key
        used.add(key)
        yield key


def holds(guard: Guard, element: dict[str, Any]) -> bool:
    """Whether a guard forbids the row."""
    value = look(element, guard.field)
    if isinstance(guard.is_, str):
        return text(value) == guard.is_
    return (yes_or_no(value) if isinstance(guard.is_, bool) else number(value)) == guard.is_


def fixed_labels(entity: Entity, key: str) -> dict[str, str]:
    """The labels that do not depend on a field."""
    labels = entity.labels if isinstance(entity.labels, dict) else {}
    return {name: label.of(key, None) for name, label in labels.items() if label.field is None}


def changing_labels(row: Row) -> dict[str, str]:
    """The labels that depend on a field of the row."""
    labels = row.entity.labels if isinstance(row.entity.labels, dict) else {}
    return {
        name: label.of(row.key, row.texts.get(label.field) or None)
        for name, label in labels.items()
        if label.field is not None
    }


def text_paths(entity: Entity) -> list[str]:
    """The fields that are strings."""
    labels = entity.labels if isinstance(entity.labels, dict) else {}
    paths = [label.field for label in labels.values() if label.field is not None]
    for family in entity.families:
        paths += family.paths if isinstance(family, (Info, StateSet)) else ()
    return paths


# what is told


def told(row: Row, position: int, family: object) -> Iterator[tuple[str, dict[str, str], float]]:
    """The samples of one family of a row."""
    if isinstance(family, Histogram):
        return
    if isinstance(family, Info):
        labels = {
            name: next((t for p in as_paths(path) if (t := row.texts.get(p))), "")
            for name, path in family.fields.items()
        }
        if any(labels.values()):
            yield family.name, labels, 1.0
    elif isinstance(family, StateSet):
        said = row.texts.get(family.path)
        if said:
            state = family.fold(said) if family.fold(said) in family.states else "other"
            yield from ((family.name, {**family.labels, family.label: s}, float(s == state)) for s in family.columns)
    elif position in row.values:
        value = scaled(family.scale, row.values[position])
        if value is not None:
            yield family.name, dict(family.labels), value


def as_paths(path: str | tuple[str, ...]) -> tuple[str, ...]:
    """One name or several."""
    return (path,) if isinstance(path, str) else path


def scaled(scale: Scale, value: float) -> float | None:
    """In base units; a point in time that is zero is never."""
    if scale.epoch:
        return None if value == 0 else value / 1000.0 if value >= 1e11 else value
    if scale.zero_is_hole and value == 0:
        return None
    result = value * scale.times / scale.per
    return result if math.isfinite(result) else None
