"""One scrape: the store's families, then the collector's own metrics, as chunks of bytes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from collector.metrics import text_format
from collector.metrics.labels import escape
from collector.metrics.samples import SampleFilter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from collector.metrics.self_metrics import SelfMetrics
    from collector.metrics.store import Store
    from collector.serve.metrics import Selection


class Scrape:
    """Renders expositions. One instance serves all scrapes."""

    def __init__(self, store: Store, self_metrics: SelfMetrics) -> None:
        self._store = store
        self._self_metrics = self_metrics

    async def render(self, selection: Selection) -> AsyncGenerator[bytes]:
        """Yield the selected part of the exposition; the event loop runs other tasks between the chunks."""
        openmetrics = selection.openmetrics
        scrape = self._store.begin_scrape()
        try:
            for chunk in text_format.render(self._store, openmetrics=openmetrics, selected=filter_of(selection)):
                if chunk:
                    yield chunk
                await asyncio.sleep(0)
        finally:
            self._store.end_scrape(scrape)
        if not selection.collect or "collector" in selection.collect:
            yield self._self_metrics.render(openmetrics=openmetrics)
        if openmetrics:
            yield text_format.EOF


def filter_of(selection: Selection) -> SampleFilter:
    """Return the families and rows of a selection; the families of an object begin with `mist_<object>_`."""
    prefixes = tuple(f"mist_{name}_" for name in selection.collect)
    labels = b'site_id="%b"' % escape(selection.site).encode() if selection.site else b""
    return SampleFilter((lambda name: name.startswith(prefixes)) if prefixes else None, labels)
