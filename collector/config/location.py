"""The section `location`: what is computed from positions."""

from typing import Annotated

from pydantic import Field

from collector.config.fields import MacAddress
from collector.config.section import Section


class HeatGrid(Section):
    """Occupancy of each square of a map. Disabled unless a cell size is set."""

    cell_m: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] = 0.0
    """Side of a square in meters; 0 disables the heat grid."""
    max_cells: Annotated[int, Field(ge=1, le=100_000)] = 2000
    """Maximum number of squares of a map and kind that have series; those with the highest occupancy are kept."""


class LocationConfig(Section):
    """Metrics computed from positions. Their channels are enabled under `streams`. No series identifies a person."""

    zones: bool = True
    """Compute occupancy, entries, exits and dwell time of zones from positions and zone outlines."""
    webhook_positions: bool = False
    """Also use positions received by webhook (topics location, location-client, ...)."""
    absent_after_s: Annotated[float, Field(ge=15, le=86_400, allow_inf_nan=False)] = 180.0
    """Time without a position after which a client or asset has left its map and zones, as of its last position."""
    max_entities: Annotated[int, Field(ge=1, le=10_000_000)] = 1_000_000
    """Maximum number of clients or assets of a kind, about 250 bytes each; positions of further ones are dropped."""
    named_assets: Annotated[list[MacAddress], Field(max_length=1000)] = []
    """MAC addresses of assets with series of their own: position, zone, battery, temperature, last seen."""
    heat_grid: HeatGrid = HeatGrid()
    """Occupancy of each square of a map."""
    floor_page: bool = True
    """Serve the live floor page; it needs a location stream or webhook positions."""
