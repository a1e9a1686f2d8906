"""The section `location`: what is told of positions."""

from typing import Annotated

from pydantic import Field

from collector.config.fields import MacAddress
from collector.config.section import Section


class HeatGrid(Section):
    """How many are in each square of a map. Off unless a size is given."""

    cell_m: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] = 0.0
    """Side of a square in meters; 0: no heat grid."""
    max_cells: Annotated[int, Field(ge=1, le=100_000)] = 2000
    """At most so many squares of a map and kind have series, the fullest first."""


class LocationConfig(Section):
    """What is told of positions. Their channels are switched on under streams; nobody is told by name."""

    zones: bool = True
    """Occupants of zones, who enters and leaves and how long they stay, computed from positions and outlines."""
    webhook_positions: bool = False
    """True: positions that come by webhook (topics location, location-client, ...) count, too."""
    absent_after_s: Annotated[float, Field(ge=15, le=86_400, allow_inf_nan=False)] = 180.0
    """Whoever was not heard of for so long is absent: left the map and its zones when last heard of."""
    max_entities: Annotated[int, Field(ge=1, le=10_000_000)] = 1_000_000
    """At most so many of a kind are known at a time, some 250 bytes each; positions of more are dropped."""
    named_assets: Annotated[list[MacAddress], Field(max_length=1000)] = []
    """MAC addresses of assets that have series of their own: position, zone, battery, temperature, last seen."""
    heat_grid: HeatGrid = HeatGrid()
    """How many are in each square of a map."""
    floor_page: bool = True
    """The page that shows floors live; only where positions are wanted."""
