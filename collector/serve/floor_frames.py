"""The dynamic part of a floor page: occupancy and dots, one JSON object per frame.

A frame contains no identities: a dot is a position in whole units of the drawing, and each frame lists the dots in a
different random order, so that frames cannot be combined into the path of a person other than by proximity.
"""

from __future__ import annotations

from random import SystemRandom
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from collector.floors import FloorView, ZoneView
    from collector.serve.floor_sketch import Sketch

MAX_DOTS: Final = 2000  # per frame; of more, a random sample is drawn, and the page states it
KINDS: Final = {
    "client": "Wi-Fi clients",
    "unconnected_client": "Unconnected",
    "sdkclient": "App users",
    "asset": "Assets",
    "discovered_asset": "Unknown assets",
}
LIMITED: Final = ("client", "sdkclient")  # kinds that count towards the limit of a zone, as in the alert rules
LEVELS: Final = ("empty", "few", "some", "many", "full")
_SOME, _MANY = 5, 20  # occupants of a zone without a limit
_SOME_OF, _MANY_OF = 0.5, 0.8  # shares of the limit
_random = SystemRandom()


def level_of(zone: ZoneView) -> int:
    """Return the occupancy level of a zone as an index of LEVELS; only a zone with a limit can be full."""
    people = sum(zone.occupants.values())
    if zone.limit:
        counted = counted_of(zone) / zone.limit
        if counted >= 1:
            return 4
        return 3 if counted >= _MANY_OF else 2 if counted >= _SOME_OF else 1 if people else 0
    return 3 if people >= _MANY else 2 if people >= _SOME else 1 if people else 0


def counted_of(zone: ZoneView) -> int:
    """Return the number of occupants that count towards the limit."""
    return sum(zone.occupants.get(kind, 0) for kind in LIMITED)


def zone_frame(zone: ZoneView) -> dict[str, Any]:
    """Return the present state of a zone: level, occupants in total and by kind, and its use of the limit."""
    level = level_of(zone)
    against = f"{counted_of(zone)} of {zone.limit:g}" if zone.limit else "none"
    return {
        "level": level,
        "state": LEVELS[level],
        "all": sum(zone.occupants.values()),
        "limit": against,
        "kinds": [zone.occupants.get(kind, 0) for kind in KINDS],
    }


def frame_of(view: FloorView, sketch: Sketch, *, now: float, unix: float) -> dict[str, Any]:
    """Return a frame. `now` is monotonic; the page shows `unix` as the time of the frame."""
    chosen = _random.sample(view.dots, min(len(view.dots), MAX_DOTS))
    paths: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for dot in chosen:
        x, y = sketch.sheet.unit(dot.x, dot.y)
        paths.setdefault(dot.kind, []).append(f"M{x} {y}")
    return {
        "drawing": sketch.mark,
        "unix": round(unix),
        "heard_s": None if view.heard_at is None else round(max(0.0, now - view.heard_at)),
        "people": [view.people.get(kind, 0) for kind in KINDS],
        "all": sum(view.people.values()),
        "drawn": len(chosen),
        "zones": [zone_frame(zone) for zone in view.zones],
        "dots": {kind: path_of(paths[kind]) for kind in KINDS},
    }


def path_of(points: list[str]) -> str:
    """Return an SVG path with a vertex, and so a marker, at each dot; a single dot needs a second vertex."""
    return "".join(points * 2 if len(points) == 1 else points)


def event_of(frame: Mapping[str, Any]) -> bytes:
    """Return a frame as a server-sent event."""
    return b"data: %b\n\n" % orjson.dumps(frame)
