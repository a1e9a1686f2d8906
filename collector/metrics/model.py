"""The model of metric tables: entities (kinds of rows) and families (columns).

A catalogue is data made of these objects. `compiler.py` turns them into decoders and writers, `store.py` holds the
rows, `samples.py` reads them. This module does not depend on the source of a payload.

Paths are dotted JSON keys, relative to the JSON object of the entity: `env_stat.cpu_temp`. The path of an entity may
end in one iteration: `radio_stat.{band}` (a map, whose key is the key of the row) or `module_stat[*]` (a list).
Alternative names of one field are a tuple, the most frequent first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Path: TypeAlias = "str | tuple[str, ...]"

METRIC_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
LABEL_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
EPOCH_MS_FLOOR = 1e11  # a larger time is in milliseconds: 1e11 s is the year 5138


class FamilyType(StrEnum):
    """Type of a metric family."""

    GAUGE = "gauge"
    COUNTER = "counter"
    INFO = "info"
    HISTOGRAM = "histogram"


class ValueKind(StrEnum):
    """ValueKind of a JSON value: the types that are valid, and the conversion of other types on the tolerant path."""

    NUMBER = "number"
    COUNT = "count"
    FLAG = "flag"
    TIME = "time"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Scale:
    """Conversion from the unit of the source to the base unit: value * times / per. Division keeps 57 % exactly 0.57.

    Attributes:
        times: factor.
        per: divisor.
        epoch: the value is in seconds or milliseconds since the epoch; zero means never and is not exposed.
        zero_is_hole: zero means that nothing was measured and is not exposed.
    """

    times: float = 1.0
    per: float = 1.0
    epoch: bool = False
    zero_is_hole: bool = False

    def render(self, column: list[float]) -> list[float]:
        """Convert the values of one column. This happens during a scrape; the store holds the values of the source."""
        if self.epoch:
            return [v if v < EPOCH_MS_FLOOR else v / 1000.0 for v in (v or _NAN for v in column)]
        if self.zero_is_hole:
            column = [v or _NAN for v in column]
        times, per = self.times, self.per
        if times == 1.0:
            return column if per == 1.0 else [v / per for v in column]
        return [v * times for v in column] if per == 1.0 else [v * times / per for v in column]

    def of(self, value: float) -> float:
        """Convert a single value."""
        return self.render([value])[0]


_NAN = float("nan")
PLAIN = Scale()
PERCENT = Scale(per=100.0)
KIBI = Scale(times=1024.0)
EPOCH = Scale(epoch=True)


@dataclass(frozen=True, slots=True)
class Family:
    """A family with one number per row.

    Attributes:
        name: name of the family.
        path: the field that is read, or its alternative names; None for a column that code writes.
        help: the HELP text.
        scale: conversion to the base unit.
        labels: labels that are the same in every row.
        reads: fields that code derives the value from, for the metric reference.
    """

    name: str
    path: Path | None
    help: str
    scale: Scale = PLAIN
    labels: Mapping[str, str] = field(default_factory=dict)
    reads: tuple[str, ...] = ()

    @property
    def type(self) -> FamilyType:
        """Type of the family."""
        return FamilyType.GAUGE

    @property
    def kind(self) -> ValueKind:
        """ValueKind of the JSON value."""
        return ValueKind.NUMBER

    @property
    def paths(self) -> tuple[str, ...]:
        """Every name of the field, preferred first."""
        if self.path is None:
            return ()
        return (self.path,) if isinstance(self.path, str) else self.path

    @property
    def sources(self) -> tuple[str, ...]:
        """Every field that the family is derived from, relative to the entity."""
        return self.paths + self.reads


class Gauge(Family):
    """A value that goes up and down."""


class Counter(Family):
    """A value that only increases until its source restarts; its name ends in `_total`."""

    @property
    def type(self) -> FamilyType:
        """Type of the family."""
        return FamilyType.COUNTER

    @property
    def kind(self) -> ValueKind:
        """A number that is not negative."""
        return ValueKind.COUNT


class Flag(Family):
    """A boolean: 1 or 0."""

    @property
    def kind(self) -> ValueKind:
        """A boolean (also 0/1 and "true"/"false")."""
        return ValueKind.FLAG


def timestamp(name: str, path: Path, help: str, **labels: str) -> Gauge:  # noqa: A002 - the field is called help
    """Return a gauge for a time in seconds since the epoch (read from seconds, milliseconds or ISO 8601; 0: never)."""
    return Gauge(name, path, help, scale=EPOCH, labels=labels)


@dataclass(frozen=True, slots=True)
class Info:
    """Strings of a row as the labels of one series whose value is always 1.

    Attributes:
        name: name of the family.
        fields: label name -> path.
        help: the HELP text.
        reads: further fields of the series, which are labels of the row.
    """

    name: str
    fields: Mapping[str, Path]
    help: str
    reads: tuple[str, ...] = ()

    @property
    def type(self) -> FamilyType:
        """Type of the family."""
        return FamilyType.INFO

    @property
    def sources(self) -> tuple[str, ...]:
        """Every field that the family is derived from, relative to the entity."""
        return self.paths + self.reads

    @property
    def paths(self) -> tuple[str, ...]:
        """The fields that are labels of the series."""
        return tuple(p for path in self.fields.values() for p in ((path,) if isinstance(path, str) else path))


@dataclass(frozen=True, slots=True)
class StateSet:
    """One series per known state: 1 for the current state and 0 for the others. Unknown states are `other`.

    Attributes:
        name: name of the family.
        path: the field that holds the state.
        help: the HELP text.
        states: the known states.
        label: name of the label of the state.
        fold: text of the field -> name of the state.
        labels: labels that are the same in every row.
    """

    name: str
    path: str
    help: str
    states: tuple[str, ...]
    label: str = "state"
    fold: Callable[[str], str] = str.lower
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def type(self) -> FamilyType:
        """Gauge, because the OpenMetrics type prescribes the label name."""
        return FamilyType.GAUGE

    @property
    def paths(self) -> tuple[str, ...]:
        """The field that holds the state."""
        return (self.path,)

    @property
    def columns(self) -> tuple[str, ...]:
        """All states in the order of their columns."""
        return (*self.states, "other")

    @property
    def sources(self) -> tuple[str, ...]:
        """The field that holds the state."""
        return self.paths


@dataclass(frozen=True, slots=True)
class Histogram:
    """Observations that the collector counts, by upper bounds in base units; the bound +Inf is implied.

    Columns: one count per bucket (not cumulative; `samples.py` accumulates them), then the sum.
    """

    name: str
    help: str
    bounds: tuple[float, ...]
    reads: tuple[str, ...] = ()

    @property
    def type(self) -> FamilyType:
        """Type of the family."""
        return FamilyType.HISTOGRAM

    @property
    def paths(self) -> tuple[str, ...]:
        """No fields: code observes values."""
        return ()

    @property
    def sources(self) -> tuple[str, ...]:
        """The fields whose values are observed."""
        return self.reads


AnyFamily: TypeAlias = "Family | Info | StateSet | Histogram"


def key_itself(key: str, text: str | None) -> str:
    """Return the text of the field, or the row's key if there is none."""
    return text or key


@dataclass(frozen=True, slots=True)
class Label:
    """Source of a row's label: its key in the map or list, or one of its own fields.

    A label with a field may change while the row exists; rows inside this one inherit only the labels that cannot.

    Attributes:
        field: the field; None for a label that depends on the key alone.
        of: (key, text of the field or None) -> label value.
    """

    field: str | None = None
    of: Callable[[str, str | None], str] = key_itself


BY_KEY = Label()


@dataclass(frozen=True, slots=True)
class At:
    """One of several paths of an entity, with labels that distinguish them."""

    path: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Guard:
    """A row has no measurements (its series end) while `field` has the value `is_`."""

    field: str
    is_: object


@dataclass(frozen=True, slots=True, eq=False)
class Entity:
    """A kind of row.

    Attributes:
        name: name of the table, unique: `ap_radio`.
        families: the columns.
        within: the entity whose JSON object contains this one; None for the object itself.
        at: the path, see the module's docstring, or several; "" is the object itself.
        labels: label names of a root, in order (values come from the context); of a nested row label name -> `Label`.
        unless: conditions under which a row has no measurements.
        requires: field of the ROOT object without which this part of a message is not applied.
        key: the field, or alternative names of it, that identifies an element of a list; the index otherwise.
        known: keys of a map that the metric reference lists, in addition to any others.
        ttl_s: a row that was not updated for this time ends; None: it ends only with its owner.
        of: the object whose fields the families of a counted entity read, if its name is another.
        option: configuration key without which there are no rows; "" if there always are.
    """

    name: str
    families: tuple[AnyFamily, ...]
    within: Entity | None = None
    at: str | tuple[At, ...] = ""
    labels: tuple[str, ...] | Mapping[str, Label] = ()
    unless: tuple[Guard, ...] = ()
    requires: str | None = None
    key: Path = ()
    known: tuple[str, ...] = ()
    ttl_s: float | None = 180.0
    of: str = ""
    option: str = ""

    @property
    def places(self) -> tuple[At, ...]:
        """All paths, as `At`."""
        return (At(self.at),) if isinstance(self.at, str) else self.at

    @property
    def keys(self) -> tuple[str, ...]:
        """Every name of the identifying field, preferred first."""
        return (self.key,) if isinstance(self.key, str) else self.key

    @property
    def label_names(self) -> tuple[str, ...]:
        """Every label of a row, inherited ones first."""
        own = tuple(self.labels)
        const = tuple(dict.fromkeys(name for place in self.places for name in place.labels))
        return (self.within.label_names if self.within else ()) + const + own


def width_of(family: AnyFamily) -> int:
    """Return the number of columns of a family."""
    if isinstance(family, Info):
        return 0
    if isinstance(family, Histogram):
        return len(family.bounds) + 2
    return len(family.columns) if isinstance(family, StateSet) else 1


def layout(entity: Entity) -> list[tuple[AnyFamily, int]]:
    """Return every family of the entity with its first column.

    Column 0 is the time of the last update. Fields of one JSON object are adjacent, so that they are written at once;
    columns that are written separately (fields with several names, state sets, columns that code writes) come last.
    """
    plain = [f for f in entity.families if isinstance(f, Family) and f.path is not None]
    objects = list(dict.fromkeys(f.paths[0].rpartition(".")[0] for f in plain))
    plain.sort(key=lambda f: (len(f.paths) > 1, objects.index(f.paths[0].rpartition(".")[0])))
    chosen = set(map(id, plain))
    column, placed = 1, []
    for family in (*plain, *(f for f in entity.families if id(f) not in chosen)):
        placed.append((family, column))
        column += width_of(family)
    return placed
