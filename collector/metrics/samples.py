"""From the store to samples: family by family, column by column, without holes. `text_format.py` prints them.

A column is read in slices: rendering one takes a few milliseconds at most, and the caller decides what runs between two
slices. Each step handles a whole slice in C: strided copy, `tolist`, scale, one sum to detect holes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, chain, compress
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from collector.metrics.model import FamilyType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from collector.metrics.store import Column, FamilyColumns, HistogramColumns, InfoColumn, Store

SLICE_ROWS = 4096
HISTOGRAM_SLICE_ROWS = 512  # a row has about ten samples
_INFO_VALUE: Final = 1.0


@dataclass(frozen=True, slots=True)
class SampleFilter:
    """The selected part of the store: families by name, and rows by a part of the label text of their object."""

    family: Callable[[str], bool] | None = None
    labels: bytes = b""

    def rows(self, labels: list[bytes | None]) -> list[bool]:
        """Return for each row whether it is in use and selected."""
        part = self.labels
        return [text is not None and part in text for text in labels]


ALL: Final = SampleFilter()


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of one family. The label text of sample i is `constant + labels[i] + endings[i]`.

    Attributes:
        constant: label text that all samples share; empty, or it ends in a comma.
        labels: label text of each sample's object.
        endings: the rest of each sample's label text; None when all are empty.
        values: finite numbers in base units.
        created: for each sample of a counter the Unix time at which it began to count; None when unknown.
    """

    constant: bytes
    labels: list[bytes]
    endings: list[bytes] | None
    values: list[float]
    created: list[float] | None = None

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.values)


@dataclass(frozen=True, slots=True)
class HistogramRow:
    """One histogram.

    Attributes:
        labels: label text.
        counts: cumulative count per bound; the last one counts all observations.
        sum: sum of the observations; None when they can be negative, because it could then decrease.
        created: Unix time at which it began to count; None when unknown.
    """

    labels: bytes
    counts: list[float]
    sum: float | None
    created: float | None


@dataclass(frozen=True, slots=True)
class HistogramSamples:
    """Histograms of one family. `bounds` are the upper bounds of the buckets without the last one, +Inf."""

    bounds: tuple[float, ...]
    rows: list[HistogramRow]

    def __len__(self) -> int:
        """Return the number of samples: each histogram's buckets, and count and sum where it has a sum."""
        return sum(len(row.counts) + (0 if row.sum is None else 2) for row in self.rows)


Batch: TypeAlias = "Samples | HistogramSamples"


def families(store: Store, selected: SampleFilter = ALL) -> Iterator[tuple[FamilyColumns, Iterator[Batch]]]:
    """Yield each selected family, by name, with its samples; no batch is empty.

    Call `Store.flush` before. A caller that runs other code between two batches calls `Store.begin_scrape` and
    `Store.end_scrape` around the iteration.
    """
    for name in sorted(store.families):
        if selected.family is None or selected.family(name):
            family = store.families[name]
            yield family, _batches(family, selected)


def _batches(family: FamilyColumns, selected: SampleFilter) -> Iterator[Batch]:
    """Yield the samples of a family and count its series."""
    counter = family.type is FamilyType.COUNTER
    parts: Iterable[Iterator[Batch]] = chain(
        (_column(column, selected, counter=counter) for column in family.columns),
        (_info(info, selected) for info in family.infos),
        (_histogram(histogram, selected) for histogram in family.histograms),
    )
    series = 0
    try:
        for batch in chain.from_iterable(parts):
            series += len(batch)
            yield batch
    except Exception as error:
        error.add_note(f"while reading the family {family.name}")
        raise
    if not selected.labels:
        family.series = series


def _column(column: Column, selected: SampleFilter, *, counter: bool) -> Iterator[Samples]:
    table = column.table
    rows, width = table.labels, table.width
    for first in range(0, len(rows), SLICE_ROWS):
        labels: list[Any] = rows[first : first + SLICE_ROWS]  # None only in free rows, whose values are holes
        end = first + len(labels)
        endings = table.endings[first:end] if table.nested else None
        created = table.created[first:end].tolist() if counter and table.created is not None else None
        values = table.values[first * width + column.index : end * width : width].tolist()
        if column.scale is not None:
            values = column.scale.render(values)
        if selected.labels:
            present = list(map(bool.__and__, selected.rows(labels), map(isfinite, values)))
        elif isfinite(sum(values)):
            yield Samples(column.labels, labels, endings, values, created)
            continue
        else:
            present = list(map(isfinite, values))
        values = list(compress(values, present))
        if values:
            yield Samples(
                column.labels,
                list(compress(labels, present)),
                None if endings is None else list(compress(endings, present)),
                values,
                None if created is None else list(compress(created, present)),
            )


def _info(info: InfoColumn, selected: SampleFilter) -> Iterator[Samples]:
    """Yield the samples of an info family; the labels of the row follow those of the family."""
    rows = info.table.labels
    for first in range(0, len(rows), SLICE_ROWS):
        labels = rows[first : first + SLICE_ROWS]
        own = info.texts[first : first + SLICE_ROWS]
        endings = info.table.endings[first : first + SLICE_ROWS]
        texts, kept = [], []
        for text, row, ending, wanted in zip(own, labels, endings, selected.rows(labels), strict=True):
            if wanted and text is not None and row is not None:
                texts.append(text + row)
                kept.append(ending)
        if texts:
            yield Samples(b"", texts, kept, [_INFO_VALUE] * len(texts))


def _histogram(histogram: HistogramColumns, selected: SampleFilter) -> Iterator[HistogramSamples]:
    """Yield the rows of a histogram. They are few (one per zone, site or topic), so this code is not optimized."""
    table = histogram.table
    buckets, width = len(histogram.bounds) + 1, table.width
    has_sum = histogram.bounds[0] >= 0
    for first in range(0, len(table.labels), HISTOGRAM_SLICE_ROWS):
        slice_ = table.labels[first : first + HISTOGRAM_SLICE_ROWS]
        found: list[HistogramRow] = []
        for row, wanted in enumerate(selected.rows(slice_), first):
            start = row * width + histogram.first
            counts = table.values[start : start + buckets].tolist()
            if not wanted or not isfinite(counts[0]):
                continue
            found.append(
                HistogramRow(
                    table.label_text(row),
                    list(accumulate(counts)),
                    table.values[start + buckets] if has_sum else None,
                    None if table.created is None else table.created[row],
                )
            )
        if found:
            yield HistogramSamples(histogram.bounds, found)
