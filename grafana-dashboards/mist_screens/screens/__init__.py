"""The dashboards, one module each, in the order in which they are listed."""

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
    from mist_screens.layout import Screen
    from mist_screens.settings import Settings

MODULES = (wall, site, access_points, switches, wan, mist_edge, clients, location, events, collector)


def screens(settings: Settings) -> tuple[Screen, ...]:
    """Return all dashboards."""
    return tuple(module.screen(settings) for module in MODULES)
