"""The series store: one table per entity, one row of C doubles per instance, label text rendered once per row.

Layout of a row: column 0 is the time of its last update (monotonic seconds); the columns of the families follow. A
missing sample (a hole) is NaN. Measured costs (docs/decisions/0001): 2-3 us to update 80 samples, 20 bytes per sample,
0.2 s to render one million series.
"""

from __future__ import annotations

import time
from array import array
from typing import TYPE_CHECKING, Final, Protocol

from collector.metrics.interning import InternTable
from collector.metrics.labels import render_pairs
from collector.metrics.model import FamilyType, Histogram, Info, StateSet, layout, width_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from collector.metrics.model import AnyFamily, Entity, Scale

NAN: Final = float("nan")
LAST_SEEN: Final = 0  # the column of the time of the last update
MAX_SHARED_ENDINGS: Final = 256  # per half of the table: names of ports, bands and modules are few
_CUMULATIVE: Final = (FamilyType.COUNTER, FamilyType.HISTOGRAM)


class Column:
    """One column of a table: a family, with labels that are the same in every row."""

    __slots__ = ("index", "labels", "scale", "table")

    def __init__(self, table: Table, index: int, labels: dict[str, str], scale: Scale | None) -> None:
        self.table = table
        self.index = index
        self.scale = scale
        pairs = render_pairs(labels)
        self.labels = pairs + b"," if pairs else b""


class InfoColumn:
    """The labels of one info family: one label text per row, None where nothing is known."""

    __slots__ = ("table", "texts")

    def __init__(self, table: Table) -> None:
        self.table = table
        self.texts: list[bytes | None] = []


class HistogramColumns:
    """The buckets and the sum of one histogram in one table."""

    __slots__ = ("bounds", "first", "table")

    def __init__(self, table: Table, first: int, family: Histogram) -> None:
        self.table = table
        self.first = first
        self.bounds = family.bounds


class FamilyColumns:
    """One metric family: its metadata and its columns in all tables."""

    __slots__ = ("columns", "help", "histograms", "infos", "name", "series", "type")

    def __init__(self, name: str, type_: FamilyType, help_: str) -> None:
        self.name = name
        self.type = type_
        self.help = help_
        self.columns: list[Column] = []
        self.infos: list[InfoColumn] = []
        self.histograms: list[HistogramColumns] = []
        self.series = 0  # in the last complete exposition


class Table:
    """All rows of one entity. The label text of a row is that of its object (`labels`) and its own ending.

    While a scrape is in progress (`Store.scrapes`) a freed row is quarantined: only the key that had it can get it
    back. So no series appears twice in one exposition.
    """

    def __init__(self, entity: Entity, store: Store) -> None:
        self.entity = entity
        self.nested = entity.within is not None
        self.ttl_s = entity.ttl_s  # changes with the period of the source
        self.store = store
        self.labels: list[bytes | None] = []  # label text of the object, shared by all rows inside it; None: a free row
        self.endings: list[bytes] = []  # the rest of the label text of a nested row, shared by rows with the same one
        self.texts: list[list[tuple[object, ...] | None]] = []  # strings by text group and row; written by TextFields
        self.fixed = array("H")  # length of the part of a row's ending that cannot change
        self.created: array[float] | None = None  # Unix time of each row's creation, where it is recorded
        self.infos: list[InfoColumn] = []
        self.column_of: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
        self.width = 1
        self._free: list[int] = []
        self._quarantine: dict[bytes, tuple[int, int]] = {}  # freed rows and the last scrape then, oldest first
        for family, column in layout(entity):
            self._add_family(family, column)
        self.blank = array("d", [NAN]) * self.width
        self.zeros = array("d", [0.0]) * self.width
        self.values: array[float] = array("d")

    def _add_family(self, family: AnyFamily, column: int) -> None:
        columns = self.store.family(family)
        if isinstance(family, Info):
            info = InfoColumn(self)
            self.infos.append(info)
            columns.infos.append(info)
        elif isinstance(family, Histogram):
            columns.histograms.append(HistogramColumns(self, column, family))
            self.column_of[family.name, ()] = column
            self.width = column + width_of(family)
        elif isinstance(family, StateSet):
            for offset, state in enumerate(family.columns):
                self._add_column(columns, column + offset, {**family.labels, family.label: state}, None)
        else:
            self._add_column(columns, column, dict(family.labels), family.scale)

    def _add_column(self, columns: FamilyColumns, column: int, labels: dict[str, str], scale: Scale | None) -> None:
        key = (columns.name, tuple(sorted(labels.items())))
        if key in self.column_of:
            raise ValueError(f"entity {self.entity.name}: {columns.name}{labels or ''} has two columns")
        self.column_of[key] = column
        columns.columns.append(Column(self, column, labels, scale))
        self.width = column + 1

    def column(self, family: str, **labels: str) -> int:
        """Return the index of the column of `family` with these constant labels.

        Raises:
            KeyError: the table has no such column.
        """
        return self.column_of[family, tuple(sorted(labels.items()))]

    def record_created(self) -> None:
        """Record the creation time of each row from now on, if the table has counters or histograms.

        Only rows whose counters the collector counts itself have a known creation time; the counters of a device began
        when the device started.
        """
        if self.created is None and any(family.type in _CUMULATIVE for family in self.entity.families):
            self.created = array("d", [NAN]) * len(self.labels)

    def __len__(self) -> int:
        """Return the number of rows in use."""
        return len(self.labels) - len(self._free) - len(self._quarantine)

    def new_row(self, labels: bytes, ending: bytes = b"", fixed: int | None = None) -> int:
        """Create a row without samples and return its number.

        Args:
            labels: label text of the object, such as `a="1"`.
            ending: the rest of the label text, such as `,b="2"`.
            fixed: length of the part of the ending that cannot change; all of it by default.
        """
        row = self._take(labels, ending)
        self.labels[row] = labels
        self.endings[row] = self.store.endings.intern(ending)
        self.fixed[row] = len(ending) if fixed is None else fixed
        if self.created is not None:
            self.created[row] = self.store.creation_time()
        return row

    def set_ending(self, row: int, ending: bytes) -> None:
        """Replace the ending of a row's label text; its fixed part must be the same."""
        self.endings[row] = self.store.endings.intern(ending)

    def _take(self, labels: bytes, ending: bytes) -> int:
        if self._quarantine and (held := self._quarantine.pop(labels + ending, None)) is not None:
            return held[0]
        if self._free:
            return self._free.pop()
        self.labels.append(None)
        self.endings.append(b"")
        self.fixed.append(0)
        if self.created is not None:
            self.created.append(NAN)
        for texts in self.texts:
            texts.append(None)
        for info in self.infos:
            info.texts.append(None)
        self.values.extend(self.blank)
        return len(self.labels) - 1

    def text_group(self, number: int) -> list[tuple[object, ...] | None]:
        """Return the strings of one group, one tuple per row; always the same list."""
        while number >= len(self.texts):
            self.texts.append([None] * len(self.labels))
        return self.texts[number]

    def inherited_labels(self, row: int) -> tuple[bytes, bytes]:
        """Return the label text that rows inside this row begin with: that of the object and the fixed ending."""
        return self.labels[row] or b"", self.endings[row][: self.fixed[row]]

    def label_text(self, row: int) -> bytes:
        """Return the label text of a row in use."""
        return (self.labels[row] or b"") + self.endings[row]

    def free_row(self, row: int) -> None:
        """End every series of this row."""
        if self.labels[row] is None:
            raise ValueError(f"table {self.entity.name}: row {row} is already free")
        text = self.label_text(row)
        self.clear(row)
        self.labels[row] = None
        self.endings[row] = b""
        for texts in self.texts:
            texts[row] = None
        for info in self.infos:
            info.texts[row] = None
        if self.store.scrapes and text not in self._quarantine:
            self._quarantine[text] = row, self.store.last_scrape
        else:
            self._free.append(row)

    def clear(self, row: int) -> None:
        """Remove every sample of this row."""
        width = self.width
        self.values[row * width : (row + 1) * width] = self.blank

    def release_quarantine(self, oldest: float) -> None:
        """Make rows free that were quarantined for scrapes before number `oldest`, which have ended."""
        released = []
        for text, (_, scrape) in self._quarantine.items():
            if scrape >= oldest:
                break
            released.append(text)
        self._free.extend(self._quarantine.pop(text)[0] for text in released)

    def set(self, row: int, column: int, value: float) -> None:
        """Write one sample."""
        self.values[row * self.width + column] = value

    def get(self, row: int, column: int) -> float:
        """Return one sample as stored, in the unit of the source; NaN when there is none."""
        return self.values[row * self.width + column]

    def rows(self) -> Iterator[int]:
        """Yield the rows in use."""
        return (row for row, labels in enumerate(self.labels) if labels is not None)


class SupportsRelabel(Protocol):
    """Rows whose label text can be rendered again."""

    def relabel(self, concerned: Callable[[tuple[str, ...]], bool]) -> None:
        """Render the label text of the rows for whose label values `concerned` is true."""


class Store:
    """All tables and the families that they feed. `unix_time` returns seconds since the epoch."""

    def __init__(self, unix_time: Callable[[], float] = time.time) -> None:
        self.tables: dict[str, Table] = {}
        self.families: dict[str, FamilyColumns] = {}
        self.scrapes: dict[int, None] = {}  # numbers of the scrapes in progress, oldest first
        self.last_scrape = 0  # number of the scrape that started last
        self.endings = InternTable[bytes](MAX_SHARED_ENDINGS)  # of label texts of nested rows
        self.extra_labels: Callable[[Mapping[str, str]], Mapping[str, str]] = no_labels  # added to every root row
        self.counter_tables: list[SupportsRelabel] = []  # root rows without a RowIndex
        self.flush_hooks: list[Callable[[], Iterator[object]]] = []  # each writes counts that are kept elsewhere
        self._unix_time = unix_time
        self._flushing = 0  # flushes in progress
        self._flushed_at = unix_time()  # start of the last complete flush

    def family(self, family: AnyFamily) -> FamilyColumns:
        """Return the columns of this family, created at its first use.

        Raises:
            ValueError: another family of this name has another type or HELP text.
        """
        known = self.families.get(family.name)
        if known is None:
            known = self.families[family.name] = FamilyColumns(family.name, family.type, family.help)
        elif (known.type, known.help) != (family.type, family.help):
            raise ValueError(f"family {family.name} has two types or two HELP texts")
        return known

    def table(self, entity: Entity) -> Table:
        """Return the table of this entity, created at its first use.

        Raises:
            ValueError: another entity has the same name.
        """
        known = self.tables.get(entity.name)
        if known is None:
            known = self.tables[entity.name] = Table(entity, self)
        elif known.entity is not entity:
            raise ValueError(f"two entities are named {entity.name}")
        return known

    def flush(self) -> Iterator[object]:
        """Write the rows of all counts that are kept elsewhere, before an exposition; yields after short steps."""
        started = self._unix_time()
        self._flushing += 1
        try:
            for hook in self.flush_hooks:
                yield from hook()
        finally:
            self._flushing -= 1
        self._flushed_at = started

    def creation_time(self) -> float:
        """Return the Unix time at which the counters of a row that is created now began to count.

        During a flush that is the time of the flush before: the row may have been counted since then.
        """
        return self._flushed_at if self._flushing else self._unix_time()

    def begin_scrape(self) -> int:
        """Start to quarantine freed rows; pass the returned number to `end_scrape`."""
        self.last_scrape += 1
        self.scrapes[self.last_scrape] = None
        return self.last_scrape

    def end_scrape(self, number: int) -> None:
        """End a scrape and release the rows that were freed before the oldest scrape in progress.

        A scrape that hangs, or scrapes that always overlap, therefore keep only some of the freed rows in quarantine.
        """
        del self.scrapes[number]
        oldest = next(iter(self.scrapes), float("inf"))
        for table in self.tables.values():
            table.release_quarantine(oldest)

    def series_by_family(self) -> dict[str, int]:
        """Return the number of series of each family in the last complete exposition."""
        return {name: family.series for name, family in sorted(self.families.items()) if family.series}


def no_labels(_labels: Mapping[str, str]) -> Mapping[str, str]:
    """Return no extra labels."""
    return {}
