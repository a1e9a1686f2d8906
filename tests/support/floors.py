"""A catalogue with floors, for tests: maps and zones as by REST, positions as on channels, and what is counted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from collector.config.location import LocationConfig
from collector.feeds.router import FeedRouter
from collector.location.feed import LocationFeed
from collector.metrics.text_format import render_all
from tests.support import samples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from collector.errors import Rejected
    from tests.support.samples import Samples

ORG, SITE = "af010e2b-f829-4975-b49e-2e896ed1d627", "4ac1dcf4-9d8b-7211-65c4-057819f0862b"
MAP, OTHER_MAP = "63eda950-c6da-11e4-a628-60f81dd250cc", "63eda950-c6da-11e4-a628-60f81dd250cd"
IDS = {"org_id": ORG, "site_id": SITE}
STREAMS = {
    "client": "clients",
    "unconnected_client": "unconnected_clients",
    "sdkclient": "sdkclients",
    "asset": "assets",
    "discovered_asset": "discovered_assets",
}
Point = tuple[float, float]


def mac(number: int) -> str:
    return f"5684da{number:06x}"


def located(options):
    """The section `location` with the flat names that tests use."""
    grid = {
        name.removeprefix("heat_").removeprefix("grid_"): options.pop(name)
        for name in list(options)
        if name.startswith("heat_")
    }
    return LocationConfig.model_validate({"webhook_positions": True, **options, "heat_grid": grid})


class Floors:
    """`now` is the monotonic time of everything that follows; set it to let time pass."""

    def __init__(self, *, unix_at_zero: float | None = None, **options: object) -> None:
        self.now = 1000.0
        self.catalog = FeedRouter(now=lambda: self.now)
        to_unix = None if unix_at_zero is None else (lambda monotonic: monotonic + unix_at_zero)
        self.location = LocationFeed(self.catalog.store, self.catalog.directories, located(options), to_unix=to_unix)
        self.catalog.join(self.location)
        self._handlers: dict[tuple[str, str], object] = {}

    # REST

    def map(self, map_id: str = MAP, **more: object) -> Rejected | None:
        payload = {"id": map_id, "name": "Floor", "width": 1200, "height": 800, "ppm": 20.0} | more
        return self.catalog.rest_object("map", payload, IDS)

    def zone(self, zone_id: str, corners: Sequence[Point], map_id: str = MAP, **more: object) -> Rejected | None:
        vertices = [{"x": x, "y": y} for x, y in corners]
        payload = {"id": zone_id, "name": f"zone {zone_id}", "map_id": map_id, "vertices": vertices} | more
        return self.catalog.rest_object("zone_definition", payload, IDS)

    # positions

    def say(self, payload: object, kind: str = "client", map_id: str = MAP, *, nested: bool = True) -> Rejected | None:
        """A payload on a map's channel."""
        key = map_id, kind
        if key not in self._handlers:
            path = f"/sites/{SITE}/stats/maps/{map_id}/{STREAMS[kind]}"
            self._handlers[key] = self.catalog.open_channel(path)
        return self._handlers[key](json.dumps(payload) if nested else payload, self.now)

    def at(  # noqa: PLR0917 - reads best so
        self, who: int, x: float, y: float, seen: float | None = None, kind: str = "client", map_id: str = MAP
    ) -> Rejected | None:
        """Somebody is at a place of a map."""
        payload: dict[str, object] = {"id" if kind == "sdkclient" else "mac": mac(who), "x": x, "y": y}
        if seen is not None:
            payload["last_seen"] = seen
        return self.say(payload, kind, map_id)

    def sweep(self) -> None:
        for _ in self.catalog.sweep():
            pass

    # what is counted

    def samples(self) -> Samples:
        return samples.of_text(render_all(self.catalog.store).decode())

    def value(self, family: str, **labels: str) -> float | None:
        """The one sample of a family that has these labels; None when there is none."""
        found = [v for (name, _), v in samples.having(self.samples(), **labels).items() if name == family]
        assert len(found) <= 1, found
        return found[0] if found else None

    def zones(self, family: str = "mist_zone_occupants", kind: str = "client") -> dict[str, float]:
        """A family of zones by zone, of one kind; zeros left out."""
        found = samples.having(self.samples(), kind=kind)
        by_zone = {dict(labels)["zone_id"]: value for (name, labels), value in found.items() if name == family}
        return {zone: value for zone, value in by_zone.items() if value}

    def state(self) -> Mapping[str, object]:
        """Where everybody is, whatever the order in which it was told: occupants, people on maps, dots."""
        told = self.samples()
        gauges = {key: value for key, value in told.items() if key[0] in {"mist_zone_occupants", "mist_map_entities"}}
        views = {map_id: self.location.view(map_id) for map_id in sorted(self.location.floors)}
        return {
            "gauges": {key: value for key, value in gauges.items() if value},
            "dots": {map_id: sorted(view.dots) for map_id, view in views.items() if view},
        }
