"""What a table of metrics is made of: entities (kinds of rows) and families (named columns).

A catalogue writes these objects down as data; `compiler.py` turns them into decoders and writers, `store.py` keeps
the rows, `exposition.py` renders them. Nothing here knows where a payload comes from.

Paths are dotted JSON keys, relative to the place where the entity lives: `env_stat.cpu_temp`. A place may end in one
iteration: `radio_stat.{band}` (a map; its key is the row's key) or `module_stat[*]` (a list). Several names of one
field are a tuple, the name met most often first.
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
EPOCH_MS_FLOOR = 1e11  # a point in time above this is in milliseconds: 1e11 s would be the year 5138


class FamilyType(StrEnum):
    """What Prometheus is told a family is."""

    GAUGE = "gauge"
    COUNTER = "counter"
    INFO = "info"
    HISTOGRAM = "histogram"


class Kind(StrEnum):
    """How a JSON value becomes a column: which types are valid, and what the tolerant path makes of the others."""

    NUMBER = "number"
    COUNT = "count"
    FLAG = "flag"
    TIME = "time"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Scale:
    """From the wire's unit to the base unit: value * times / per. Division keeps 57 % at 0.57 exactly."""

    times: float = 1.0
    per: float = 1.0
    epoch: bool = False  # seconds or milliseconds since 1970; zero is "never", so no sample
    zero_is_hole: bool = False  # zero on the wire means that nothing was measured

    def render(self, column: list[float]) -> list[float]:
        """Scale one column at scrape time, so that the update path stores what the wire said."""
        if self.epoch:
            return [v if v < EPOCH_MS_FLOOR else v / 1000.0 for v in (v or _NAN for v in column)]
        if self.zero_is_hole:
            column = [v or _NAN for v in column]
        times, per = self.times, self.per
        if times == 1.0:
            return column if per == 1.0 else [v / per for v in column]
        return [v * times for v in column] if per == 1.0 else [v * times / per for v in column]

    def of(self, value: float) -> float:
        """Scale a single value."""
        return self.render([value])[0]


_NAN = float("nan")
PLAIN = Scale()
PERCENT = Scale(per=100.0)
KIBI = Scale(times=1024.0)
EPOCH = Scale(epoch=True)


@dataclass(frozen=True, slots=True)
class Family:
    """Common to all: the family's name, the field it reads, its HELP sentence, labels that never vary in this column.

    `path` None is a column that code sets by name (a state derived from several messages); `reads` then names the
    fields it is derived from, for the reference.
    """

    name: str
    path: Path | None
    help: str
    scale: Scale = PLAIN
    labels: Mapping[str, str] = field(default_factory=dict)
    reads: tuple[str, ...] = ()

    @property
    def type(self) -> FamilyType:
        """What Prometheus is told."""
        return FamilyType.GAUGE

    @property
    def kind(self) -> Kind:
        """Which JSON values are valid."""
        return Kind.NUMBER

    @property
    def paths(self) -> tuple[str, ...]:
        """Every name of the field, preferred first."""
        if self.path is None:
            return ()
        return (self.path,) if isinstance(self.path, str) else self.path

    @property
    def sources(self) -> tuple[str, ...]:
        """Every field this family is made of, relative to the entity's place."""
        return self.paths + self.reads


class Gauge(Family):
    """A value that goes up and down."""


class Counter(Family):
    """A value that only grows until its device restarts; its name ends in `_total`."""

    @property
    def type(self) -> FamilyType:
        """What Prometheus is told."""
        return FamilyType.COUNTER

    @property
    def kind(self) -> Kind:
        """Numbers that are not negative."""
        return Kind.COUNT


class Flag(Family):
    """A yes or no: 1 or 0."""

    @property
    def kind(self) -> Kind:
        """Booleans (and 0/1, "true"/"false")."""
        return Kind.FLAG


def timestamp(name: str, path: Path, help: str, **labels: str) -> Gauge:  # noqa: A002 - the field is called help
    """A point in time, seconds since 1970 (milliseconds and ISO text are understood; 0 is never)."""
    return Gauge(name, path, help, scale=EPOCH, labels=labels)


@dataclass(frozen=True, slots=True)
class Info:
    """Strings of a row, as the labels of one series that is always 1."""

    name: str
    fields: Mapping[str, Path]  # label name -> path
    help: str
    reads: tuple[str, ...] = ()  # fields that reach the series otherwise (as a label of the row)

    @property
    def type(self) -> FamilyType:
        """What Prometheus is told."""
        return FamilyType.INFO

    @property
    def sources(self) -> tuple[str, ...]:
        """Every field this family is made of, relative to the entity's place."""
        return self.paths + self.reads

    @property
    def paths(self) -> tuple[str, ...]:
        """The fields that become labels of the series."""
        return tuple(p for path in self.fields.values() for p in ((path,) if isinstance(path, str) else path))


@dataclass(frozen=True, slots=True)
class StateSet:
    """One series a known state, 1 for the present one and 0 for the rest; what nobody knows yet is `other`."""

    name: str
    path: str
    help: str
    states: tuple[str, ...]
    label: str = "state"
    fold: Callable[[str], str] = str.lower  # wire text -> state name
    labels: Mapping[str, str] = field(default_factory=dict)  # that never vary in this entity

    @property
    def type(self) -> FamilyType:
        """A state set is written as gauges: the OpenMetrics type would dictate the label's name."""
        return FamilyType.GAUGE

    @property
    def paths(self) -> tuple[str, ...]:
        """The field read."""
        return (self.path,)

    @property
    def columns(self) -> tuple[str, ...]:
        """All states, in the order of their columns."""
        return (*self.states, "other")

    @property
    def sources(self) -> tuple[str, ...]:
        """The field read."""
        return self.paths


@dataclass(frozen=True, slots=True)
class Histogram:
    """Observations counted here, by upper bounds in base units; the bound +Inf is implied.

    Columns: one count a bucket (not cumulative; the exposition adds up), then the sum.
    """

    name: str
    help: str
    bounds: tuple[float, ...]
    reads: tuple[str, ...] = ()

    @property
    def type(self) -> FamilyType:
        """What Prometheus is told."""
        return FamilyType.HISTOGRAM

    @property
    def paths(self) -> tuple[str, ...]:
        """None: code observes."""
        return ()

    @property
    def sources(self) -> tuple[str, ...]:
        """The fields that are observed."""
        return self.reads


AnyFamily: TypeAlias = "Family | Info | StateSet | Histogram"


def key_itself(key: str, text: str | None) -> str:
    """Label value: the field's text where there is one, else the row's key."""
    return text or key


@dataclass(frozen=True, slots=True)
class Label:
    """Where a row's label comes from: its key in the map or list, or one of its own fields.

    `of(key, text)` makes the value; `text` is None until `field` was seen. A label with a field may change its value
    while the row lives; rows within this one inherit only the labels that cannot.
    """

    field: str | None = None
    of: Callable[[str, str | None], str] = key_itself


BY_KEY = Label()


@dataclass(frozen=True, slots=True)
class At:
    """One of several places where an entity lives, with labels that tell the places apart."""

    path: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Guard:
    """A row is not measured (its series end) while `field` has the value `is_`."""

    field: str
    is_: object


@dataclass(frozen=True, slots=True, eq=False)
class Entity:
    """A kind of row.

    name      of the table, unique: `ap_radio`
    within    the entity whose JSON object this one lives in; None for the object itself
    at        where: see the module's text; "" is the object itself
    labels    a root's label names in order (values come from the context), or label name -> `Label` of a nested row
    families  the columns
    unless    conditions under which a row is not measured
    requires  a field of the ROOT object without which this section of a message is not believed
    key       the field that identifies an element of a list, or several names of it (its index otherwise)
    known     keys of a map that the reference spells out, beside any other that may come
    ttl_s     a row that was not spoken of for so long ends; None: it goes with its owner only
    of        the object whose fields a counted entity reads, where it is not called like the entity
    option    the key of the configuration without which there are no rows; "" for what is always told
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
        """All places, as `At`."""
        return (At(self.at),) if isinstance(self.at, str) else self.at

    @property
    def keys(self) -> tuple[str, ...]:
        """Every name of the identifying field, preferred first."""
        return (self.key,) if isinstance(self.key, str) else self.key

    @property
    def label_names(self) -> tuple[str, ...]:
        """Every label a row has, inherited ones first."""
        own = tuple(self.labels)
        const = tuple(dict.fromkeys(name for place in self.places for name in place.labels))
        return (self.within.label_names if self.within else ()) + const + own


def width_of(family: AnyFamily) -> int:
    """How many columns of a row the family takes."""
    if isinstance(family, Info):
        return 0
    if isinstance(family, Histogram):
        return len(family.bounds) + 2
    return len(family.columns) if isinstance(family, StateSet) else 1


def layout(entity: Entity) -> list[tuple[AnyFamily, int]]:
    """Every family of the entity with its first column.

    Column 0 is the last sight. Fields of one JSON object stand side by side, so that they can be written in one go;
    what is written one by one (fields of several names, state sets, columns that code sets) comes last.
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
