"""Positions as the configuration wants them, joined to the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.location.feed import LocationFeed, Options

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.config.location import LocationConfig
    from collector.feeds.router import FeedRouter


def located(catalog: FeedRouter, chosen: LocationConfig, to_unix: Callable[[float], float]) -> LocationFeed:
    """Make the feed of positions. `to_unix` turns monotonic seconds into seconds since 1970."""
    options = Options(
        zones=chosen.zones,
        webhook_positions=chosen.webhook_positions,
        absent_after_s=chosen.absent_after_s,
        max_entities=chosen.max_entities,
        named_assets=tuple(chosen.named_assets),
        heat_cell_m=chosen.heat_grid.cell_m,
        heat_max_cells=chosen.heat_grid.max_cells,
    )
    location = LocationFeed(catalog.store, catalog.directories, options, to_unix=to_unix)
    catalog.join(location)
    return location
