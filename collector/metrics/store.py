"""The series store: one table an entity kind, one row of C doubles an instance, label text rendered once a row.

Row layout of a table: column 0 is when the row was last spoken of (monotonic seconds), the families' columns follow.
A hole is NaN. Costs, measured (docs/decisions/0001): updating 80 samples 2-3 us, 20 bytes a sample, one million series
rendered in about 0.2 s.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Protocol

from collector.metrics.labels import render_pairs
from collector.metrics.model import Histogram, Info, StateSet, layout, width_of
from collector.metrics.shared_texts import Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from collector.metrics.model import AnyFamily, Entity, FamilyType, Scale

NAN = float("nan")
SEEN = 0  # the column of the last sight
ENDINGS_KEPT = 256  # half of those whose next row is to share them: names of ports, bands and modules are few


class Column:
    """One sample of a family: where it stands in the row and what its lines begin with."""

    __slots__ = ("index", "prefix", "scale", "table")

    def __init__(self, table: Table, index: int, family: str, labels: dict[str, str], scale: Scale | None) -> None:
        self.table = table
        self.index = index
        self.scale = scale
        pairs = render_pairs(labels)
        self.prefix = f"\n{family}{{".encode() + (pairs + b"," if pairs else b"")


class InfoColumn:
    """The label text of one info family, a row each; None where nothing is known yet."""

    __slots__ = ("prefix", "table", "texts")

    def __init__(self, table: Table, family: str) -> None:
        self.table = table
        self.prefix = f"\n{family}{{".encode()
        self.texts: list[bytes | None] = []


class HistogramColumns:
    """The buckets and the sum of one histogram in one table."""

    __slots__ = ("bounds", "first", "name", "table")

    def __init__(self, table: Table, first: int, family: Histogram) -> None:
        self.table = table
        self.first = first
        self.name = family.name
        self.bounds = family.bounds


class FamilyColumns:
    """One family as Prometheus sees it: its metadata and every column of every table that feeds it."""

    __slots__ = ("columns", "help", "histograms", "infos", "name", "rendered", "type")

    def __init__(self, name: str, type_: FamilyType, help_: str) -> None:
        self.name = name
        self.type = type_
        self.help = help_
        self.columns: list[Column] = []
        self.infos: list[InfoColumn] = []
        self.histograms: list[HistogramColumns] = []
        self.rendered = 0  # series in the latest exposition


class Table:
    """All rows of one entity kind. The text of a row's labels is that of its object (`labels`) and its own ending.

    A freed row is not given to another key while a scrape is under way (`Store.scrapes`): its key gets it back, so that
    no series can appear twice in one exposition.
    """

    def __init__(self, entity: Entity, store: Store) -> None:
        self.entity = entity
        self.nested = entity.within is not None
        self.ttl_s = entity.ttl_s  # may change at run time, with the pace of whoever tells of the rows
        self.store = store
        self.labels: list[bytes | None] = []  # label text of the object: one for all rows inside it; None: a free row
        self.endings: list[bytes] = []  # what follows it in the text of a nested row; one for all rows that end alike
        self.texts: list[list[tuple[object, ...] | None]] = []  # owned by the compiler: per text group, per row
        self.fixed = array("H")  # how much of a row's ending, from its beginning, cannot change
        self.infos: list[InfoColumn] = []
        self.column_of: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
        self.width = 1
        self._free: list[int] = []
        self._limbo: dict[bytes, tuple[int, int]] = {}  # freed rows, and the last scrape begun before; the oldest first
        for family, column in layout(entity):
            self._lay_out(family, column)
        self.blank = array("d", [NAN]) * self.width
        self.zeros = array("d", [0.0]) * self.width
        self.values: array[float] = array("d")

    def _lay_out(self, family: AnyFamily, column: int) -> None:
        columns = self.store.family(family)
        if isinstance(family, Info):
            info = InfoColumn(self, family.name)
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
            raise ValueError(f"entity {self.entity.name}: {columns.name}{labels or ''} is written twice")
        self.column_of[key] = column
        columns.columns.append(Column(self, column, columns.name, labels, scale))
        self.width = column + 1

    def column(self, family: str, **labels: str) -> int:
        """The index of the column of `family` with these constant labels; KeyError when the table has none."""
        return self.column_of[family, tuple(sorted(labels.items()))]

    def __len__(self) -> int:
        """Rows in use."""
        return len(self.labels) - len(self._free) - len(self._limbo)

    def new_row(self, labels: bytes, ending: bytes = b"", fixed: int | None = None) -> int:
        """A blank row whose label text is `labels` and `ending` (`a="1"` and `,b="2"`).

        `fixed` is how much of the ending, from its beginning, cannot change: all by default.
        """
        row = self._take(labels, ending)
        self.labels[row] = labels
        self.endings[row] = self.store.endings.share(ending)
        self.fixed[row] = len(ending) if fixed is None else fixed
        return row

    def end_with(self, row: int, ending: bytes) -> None:
        """Exchange the ending of a row's label text for one with the same fixed part."""
        self.endings[row] = self.store.endings.share(ending)

    def _take(self, labels: bytes, ending: bytes) -> int:
        if self._limbo and (held := self._limbo.pop(labels + ending, None)) is not None:
            return held[0]
        if self._free:
            return self._free.pop()
        self.labels.append(None)
        self.endings.append(b"")
        self.fixed.append(0)
        for texts in self.texts:
            texts.append(None)
        for info in self.infos:
            info.texts.append(None)
        self.values.extend(self.blank)
        return len(self.labels) - 1

    def text_group(self, number: int) -> list[tuple[object, ...] | None]:
        """The strings of one group, a tuple a row; the list stays the same for good."""
        while number >= len(self.texts):
            self.texts.append([None] * len(self.labels))
        return self.texts[number]

    def base(self, row: int) -> tuple[bytes, bytes]:
        """The part of a row's label text that cannot change: of its object, and of its ending; rows inside begin so."""
        return self.labels[row] or b"", self.endings[row][: self.fixed[row]]

    def text(self, row: int) -> bytes:
        """The whole label text of a row in use."""
        return (self.labels[row] or b"") + self.endings[row]

    def free_row(self, row: int) -> None:
        """End every series of this row."""
        if self.labels[row] is None:
            raise ValueError(f"table {self.entity.name}: row {row} is free already")
        text = self.text(row)
        self.clear(row)
        self.labels[row] = None
        self.endings[row] = b""
        for texts in self.texts:
            texts[row] = None
        for info in self.infos:
            info.texts[row] = None
        if self.store.scrapes and text not in self._limbo:
            self._limbo[text] = row, self.store.begun
        else:
            self._free.append(row)

    def clear(self, row: int) -> None:
        """Make every sample of this row a hole."""
        width = self.width
        self.values[row * width : (row + 1) * width] = self.blank

    def release_limbo(self, oldest: float) -> None:
        """Every scrape before number `oldest` is over: rows held back for those may serve any key again."""
        over = []
        for text, (_, scrape) in self._limbo.items():
            if scrape >= oldest:
                break
            over.append(text)
        self._free.extend(self._limbo.pop(text)[0] for text in over)

    def set(self, row: int, column: int, value: float) -> None:
        """Write one sample."""
        self.values[row * self.width + column] = value

    def get(self, row: int, column: int) -> float:
        """Read one sample as stored (unscaled); NaN is a hole."""
        return self.values[row * self.width + column]

    def rows(self) -> Iterator[int]:
        """The rows in use."""
        return (row for row, labels in enumerate(self.labels) if labels is not None)


class Relabelled(Protocol):
    """Rows whose label text can be rendered anew."""

    def relabel(self, concerned: Callable[[tuple[str, ...]], bool]) -> None:
        """Render the label text of the rows whose label values are `concerned`."""


class Store:
    """All tables, and the families they feed."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self.families: dict[str, FamilyColumns] = {}
        self.scrapes: dict[int, None] = {}  # numbers of the expositions under way, the oldest first
        self.begun = 0  # the number of the last one
        self.endings = Pool[bytes](ENDINGS_KEPT)  # of label texts of nested rows
        self.decorate: Callable[[Mapping[str, str]], Mapping[str, str]] = nothing  # labels added to every root row
        self.tallies: list[Relabelled] = []  # what renders labels of root rows without a roster
        self.unwritten: list[Callable[[], Iterator[int]]] = []  # each writes down what was counted beside the rows

    def family(self, family: AnyFamily) -> FamilyColumns:
        """The columns of this family; the same name always means the same type and the same sentence."""
        known = self.families.get(family.name)
        if known is None:
            known = self.families[family.name] = FamilyColumns(family.name, family.type, family.help)
        elif (known.type, known.help) != (family.type, family.help):
            raise ValueError(f"family {family.name} is described in two ways")
        return known

    def table(self, entity: Entity) -> Table:
        """The table of this entity, made at its first mention."""
        known = self.tables.get(entity.name)
        if known is None:
            known = self.tables[entity.name] = Table(entity, self)
        elif known.entity is not entity:
            raise ValueError(f"two entities are called {entity.name}")
        return known

    def write_down(self) -> Iterator[int]:
        """Let all that is counted beside the rows be written into them; yields after short steps."""
        for write in self.unwritten:
            yield from write()

    def begin_scrape(self) -> int:
        """From now on freed rows keep their place, until `end_scrape` is called with the number that this returns."""
        self.begun += 1
        self.scrapes[self.begun] = None
        return self.begun

    def end_scrape(self, number: int) -> None:
        """Undo `begin_scrape`.

        Only what was freed under a scrape that goes on stays held back: one that is stuck, or several that overlap
        without end, must not keep every row from being used again.
        """
        del self.scrapes[number]
        oldest = next(iter(self.scrapes), float("inf"))
        for table in self.tables.values():
            table.release_limbo(oldest)

    def series_by_family(self) -> dict[str, int]:
        """How many series each family had when it was last rendered."""
        return {name: family.rendered for name, family in sorted(self.families.items()) if family.rendered}


def nothing(_labels: Mapping[str, str]) -> Mapping[str, str]:
    """Add no labels."""
    return {}
