"""The exposition formats: Prometheus text format 0.0.4 and OpenMetrics 1.0.0, printed from `samples.py`.

A batch of samples is printed in C throughout: `orjson.dumps` of the values, split at the commas, interleaved with the
names and the label texts.
"""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Final

import orjson

from collector.metrics import samples
from collector.metrics.model import FamilyType
from collector.metrics.samples import HistogramSamples

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from collector.metrics.samples import HistogramRow, SampleFilter, Samples
    from collector.metrics.store import FamilyColumns, Store

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
EOF: Final = b"# EOF\n"  # the last line of OpenMetrics
UNITS: Final = ("seconds", "bytes", "ratio", "celsius", "watts", "meters", "volts", "hertz", "pascals")


def render(store: Store, *, openmetrics: bool = False, selected: SampleFilter = samples.ALL) -> Iterator[bytes]:
    """Yield the exposition in chunks of whole lines, without the `# EOF` of OpenMetrics.

    Families without samples are left out. The first chunks are empty: they are steps of `Store.flush`. A caller that
    runs other code between two chunks calls `Store.begin_scrape` and `Store.end_scrape` around the iteration.
    """
    for _ in store.flush():
        yield b""
    for family, batches in samples.families(store, selected):
        header = header_of(family, openmetrics=openmetrics)
        for batch in batches:
            if isinstance(batch, HistogramSamples):
                lines = histogram_lines(family.name, batch, openmetrics=openmetrics)
            else:
                lines = sample_lines(family.name, batch, openmetrics=openmetrics)
            yield header + lines if header else lines
            header = b""


def render_all(store: Store, *, openmetrics: bool = False) -> bytes:
    """Return the whole exposition at once, for tests and for commands that do not serve it."""
    return b"".join(render(store, openmetrics=openmetrics)) + (EOF if openmetrics else b"")


def header_of(family: FamilyColumns, *, openmetrics: bool) -> bytes:
    """Return the HELP, TYPE and UNIT lines. OpenMetrics names a counter and an info family without their suffix."""
    name, type_, unit = family.name, family.type.value, b""
    if openmetrics:
        name = name.removesuffix("_total").removesuffix("_info")
        found = next((unit for unit in UNITS if name.endswith(f"_{unit}")), "")
        unit = f"# UNIT {name} {found}\n".encode() if found else b""
    elif family.type is FamilyType.INFO:
        type_ = "gauge"
    text = family.help.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {name} {text}\n# TYPE {name} {type_}\n".encode() + unit


def sample_lines(name: str, batch: Samples, *, openmetrics: bool) -> bytes:
    """Return one line per sample; in OpenMetrics `_created` lines follow, see `with_created`."""
    start = b"\n%b{%b" % (name.encode(), batch.constant)  # the newline ends the line before
    numbers = orjson.dumps(batch.values)[1:-1].split(b",")
    endings = () if batch.endings is None else (batch.endings,)
    if openmetrics and batch.created is not None:
        numbers = with_created(name, batch, numbers)
    return interleave((start, batch.labels, *endings, b"} ", numbers), len(batch))


def with_created(name: str, batch: Samples, numbers: list[bytes]) -> list[bytes]:
    """Append a `_created` line to the number of each counter that has counted and whose creation time is known.

    A counter that is still 0 needs none: nothing is lost if its restart is not noticed. Most counters are 0.
    """
    start = b"\n%b_created{%b" % (name.removesuffix("_total").encode(), batch.constant)
    endings = batch.endings or [b""] * len(batch)
    rows = zip(numbers, batch.values, batch.labels, endings, batch.created or (), strict=True)
    return [
        b"%b%b%b%b} %.3f" % (number, start, labels, ending, created) if value and not isnan(created) else number
        for number, value, labels, ending, created in rows
    ]


def interleave(fields: Sequence[bytes | list[bytes]], count: int) -> bytes:
    """Return `count` lines of these fields, each the same in every line or one list item per line.

    The first field begins with a newline; that of the first line is left out, and the last line ends in one.
    """
    parts = [field if isinstance(field, bytes) else b"" for field in fields] * count
    for position, field in enumerate(fields):
        if not isinstance(field, bytes):
            parts[position :: len(fields)] = field
    parts.append(b"\n")
    return b"".join(parts)[1:]


def histogram_lines(name: str, batch: HistogramSamples, *, openmetrics: bool) -> bytes:
    """Return the lines of histograms: the buckets up to +Inf, then sum and count, in OpenMetrics then `_created`."""
    bounds = [*(str(float(bound)).encode() for bound in batch.bounds), b"+Inf"]
    lines: list[bytes] = []
    for row in batch.rows:
        lines += _histogram_row(name.encode(), bounds, row)
        if openmetrics and row.counts[-1] and row.created is not None and not isnan(row.created):
            lines.append(b"%b_created{%b} %.3f\n" % (name.encode(), row.labels, row.created))
    return b"".join(lines)


def _histogram_row(name: bytes, bounds: list[bytes], row: HistogramRow) -> Iterator[bytes]:
    comma = b"," if row.labels else b""
    for bound, count in zip(bounds, row.counts, strict=True):
        yield b'%b_bucket{%b%ble="%b"} %d\n' % (name, row.labels, comma, bound, count)
    if row.sum is not None:  # OpenMetrics forbids a count without a sum
        yield b"%b_sum{%b} %b\n" % (name, row.labels, orjson.dumps(row.sum))
        yield b"%b_count{%b} %d\n" % (name, row.labels, row.counts[-1])
