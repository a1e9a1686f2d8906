"""From the store to the exposition formats, column by column.

One family after the other; each column is cut in slices short enough that rendering one (a few milliseconds at most)
never holds up the event loop: the caller decides what to do between chunks. A slice is rendered in C throughout:
strided copy, `tolist`, `orjson.dumps`, split at the commas, interleaved with the names and label texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, chain, compress
from typing import TYPE_CHECKING, Any

import orjson

from collector.metrics.model import FamilyType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from collector.metrics.store import Column, FamilyColumns, HistogramColumns, InfoColumn, Store

SLICE_ROWS = 4096
EOF = b"# EOF\n"
UNITS = ("seconds", "bytes", "ratio", "celsius", "watts", "meters", "volts", "hertz", "pascals")
_HOLE = b"null"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for of the exposition: families by name, rows whose object's labels hold `needle`; all of both."""

    family: Callable[[str], bool] | None = None
    needle: bytes = b""

    def rows(self, texts: list[bytes | None]) -> list[bool]:
        """Which rows are in use and asked for."""
        needle = self.needle
        return [text is not None and needle in text for text in texts]


EVERYTHING = Wanted()


def render(store: Store, *, openmetrics: bool = False, wanted: Wanted = EVERYTHING) -> Iterator[bytes]:
    """The exposition in chunks of whole lines; families without a series are left out. No `# EOF` at the end.

    The first chunks may be empty: steps of what has to be written down before. The caller brackets the iteration with
    `begin_scrape` and `end_scrape` when it yields to other work between chunks.
    """
    for _ in store.write_down():
        yield b""
    for name in sorted(store.families):
        family = store.families[name]
        if wanted.family is None or wanted.family(name):
            yield from render_family(family, wanted, openmetrics=openmetrics)


def render_family(family: FamilyColumns, wanted: Wanted, *, openmetrics: bool) -> Iterator[bytes]:
    """One family, its header first, once it is known to have a series."""
    header, rendered = header_of(family, openmetrics=openmetrics), 0
    slices = chain(
        chain.from_iterable(render_column(column, wanted) for column in family.columns),
        chain.from_iterable(render_info(info, wanted) for info in family.infos),
        chain.from_iterable(render_histogram(histogram, wanted) for histogram in family.histograms),
    )
    for count, chunk in slices:
        yield header + chunk if header else chunk
        header = b""
        rendered += count
    if not wanted.needle:
        family.rendered = rendered


def header_of(family: FamilyColumns, *, openmetrics: bool) -> bytes:
    """HELP and TYPE (and UNIT) lines. OpenMetrics names a counter and an info family without their suffix."""
    name, type_, unit = family.name, family.type.value, b""
    if openmetrics:
        name = name.removesuffix("_total").removesuffix("_info")
        found = next((unit for unit in UNITS if name.endswith(f"_{unit}")), "")
        unit = f"# UNIT {name} {found}\n".encode() if found else b""
    elif family.type is FamilyType.INFO:
        type_ = "gauge"
    text = family.help.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {name} {text}\n# TYPE {name} {type_}\n".encode() + unit


def render_column(column: Column, wanted: Wanted) -> Iterator[tuple[int, bytes]]:
    """The lines of one column, slice by slice, with their number."""
    table = column.table
    labels, width = table.labels, table.width
    for first in range(0, len(labels), SLICE_ROWS):
        texts, endings = labels[first : first + SLICE_ROWS], table.endings[first : first + SLICE_ROWS]
        values = table.values[first * width + column.index : (first + len(texts)) * width : width].tolist()
        if column.scale is not None:
            values = column.scale.render(values)
        numbers = orjson.dumps(values)[1:-1].split(b",")
        if wanted.needle:
            asked = wanted.rows(texts)
            numbers, texts, endings = chosen(asked, numbers, texts, endings)
        if _HOLE in numbers:
            present = list(map(_HOLE.__ne__, numbers))
            numbers, texts, endings = chosen(present, numbers, texts, endings)
        if numbers:
            yield len(numbers), interleave(column.prefix, texts, endings if table.nested else None, numbers)


def render_info(info: InfoColumn, wanted: Wanted) -> Iterator[tuple[int, bytes]]:
    """The lines of one info family, slice by slice, with their number; the row's labels follow the strings."""
    labels = info.table.labels
    for first in range(0, len(labels), SLICE_ROWS):
        strings = info.texts[first : first + SLICE_ROWS]
        rows = labels[first : first + SLICE_ROWS]
        present = [text is not None and asked for text, asked in zip(strings, wanted.rows(rows), strict=True)]
        endings = info.table.endings[first : first + SLICE_ROWS]
        own, texts, endings = chosen(present, strings, rows, endings)
        if texts:
            both = [a + b for a, b in zip(own, texts, strict=True)]
            yield len(both), interleave(info.prefix, both, endings, [b"1.0"] * len(both))


def render_histogram(histogram: HistogramColumns, wanted: Wanted) -> Iterator[tuple[int, bytes]]:
    """The lines of one histogram, slice by slice: a row's buckets stand together, rising to +Inf, then sum and count.

    Histograms are few (a row a zone, a site, a topic), so this is written for clarity, row by row.
    """
    table = histogram.table
    bounds = [*(str(float(bound)).encode() for bound in histogram.bounds), b"+Inf"]
    name, width = histogram.name.encode(), table.width
    for first in range(0, len(table.labels), SLICE_ROWS // 8):
        lines: list[bytes] = []
        for row, labels in enumerate(table.labels[first : first + SLICE_ROWS // 8], first):
            start = row * width + histogram.first
            if labels is None or wanted.needle not in labels or table.values[start] != table.values[start]:
                continue
            text = table.text(row)
            counts = accumulate(table.values[start : start + len(bounds)])
            comma = b"," if text else b""
            lines += [
                b'%b_bucket{%b%ble="%b"} %d\n' % (name, text, comma, bound, count)
                for bound, count in zip(bounds, counts, strict=True)
            ]
            # a sum that can fall is no counter: OpenMetrics forbids it, and a count without a sum
            if histogram.bounds[0] >= 0:
                lines.append(b"%b_sum{%b} %b\n" % (name, text, orjson.dumps(table.values[start + len(bounds)])))
                lines.append(b"%b_count{%b} %d\n" % (name, text, sum(table.values[start : start + len(bounds)])))
        if lines:
            yield len(lines), b"".join(lines)


def chosen(which: list[bool], *lists: list[Any]) -> tuple[list[Any], ...]:
    """The chosen elements of each list."""
    return tuple(list(compress(one, which)) for one in lists)


def interleave(
    prefix: bytes, texts: Sequence[bytes | None], endings: Sequence[bytes] | None, numbers: list[bytes]
) -> bytes:
    """`name{labels} value` lines. `prefix` begins with the newline that ends the line before it."""
    count = len(numbers)
    parts: list[Any] = [prefix, b"", b"} ", b""] * count if endings is None else [prefix, b"", b"", b"} ", b""] * count
    width = 4 if endings is None else 5
    parts[1::width] = texts  # rows with a value have labels
    if endings is not None:
        parts[2::width] = endings
    parts[width - 1 :: width] = numbers
    parts.append(b"\n")
    return b"".join(parts)[1:]


def render_all(store: Store, *, openmetrics: bool = False) -> bytes:
    """The whole exposition in one piece, for tests, `replay` and other places that do not serve."""
    return b"".join(render(store, openmetrics=openmetrics)) + (EOF if openmetrics else b"")
