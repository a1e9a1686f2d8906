"""The dashboards, one module each, in display order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mist_screens.screens import (
    access_points,
    clients,
    collector,
    events,
    location,
    mist_edge,
    site,
    switches,
    wall,
    wan,
)

if TYPE_CHECKING:
    from mist_screens.layout import Dashboard
    from mist_screens.settings import Settings

MODULES = (wall, site, access_points, switches, wan, mist_edge, clients, location, events, collector)


def dashboards(settings: Settings) -> tuple[Dashboard, ...]:
    """Return all dashboards, in display order."""
    return tuple(module.dashboard(settings) for module in MODULES)
