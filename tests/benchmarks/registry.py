"""The role `registry`: a prometheus-client registry that holds the series of an exposition, and renders them."""

from __future__ import annotations

import gc
import gzip
import re
from contextlib import asynccontextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from tests.benchmarks.children import rss_bytes, spent

LABEL = re.compile(r'([a-z_0-9]+)="((?:[^"\\]|\\.)*)"')
LEVEL = 6  # prometheus-client's own for gzip is Python's default, 9, which takes longer still


def fill(registry: CollectorRegistry, path: str, *, prefix: str = "") -> int:
    """Set every sample of the exposition in the file `path`; how many.

    All families are gauges: a Counter of prometheus-client would also make a `_created` series each.
    """
    gauges: dict[str, tuple[Gauge, tuple[str, ...]]] = {}
    count = 0
    with Path(path).open(encoding="utf-8") as lines:
        for line in lines:
            if line[0] == "#":
                continue
            name, _, rest = line.partition("{")
            labels, _, value = rest.rpartition("} ")
            pairs = dict(LABEL.findall(labels))
            if name not in gauges:
                names = tuple(pairs)
                gauges[name] = (Gauge(prefix + name, "As ours.", names, registry=registry), names)
            gauge, names = gauges[name]
            if pairs.keys() != set(names):
                continue  # info series leave out what is unknown; a gauge of prometheus-client cannot
            gauge.labels(*[pairs[label] for label in names]).set(float(value))
            count += 1
    return count


@asynccontextmanager
async def registry():
    held = CollectorRegistry()
    gc.collect()
    empty = rss_bytes()

    def load(path: str) -> dict[str, float]:
        count = fill(held, path)
        gc.collect()
        return {"series": count, "bytes_a_sample": (rss_bytes() - empty) / count}

    def scrape() -> dict[str, float]:
        """CPU seconds of one exposition, and of it with gzip."""
        began = spent()
        text = generate_latest(held)
        rendered = spent()
        gzip.compress(text, LEVEL)
        return {"text_s": rendered - began, "gzip_s": spent() - began}

    yield {"load": load, "scrape": scrape}
