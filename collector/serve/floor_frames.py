"""What of a floor moves: how many are where, and dots, as one JSON object a frame.

Numbers and words only, and nothing that tells one dot from another: a dot is a place on the sheet, in whole units of
it, and each frame has them in another random order. So two frames cannot be put together into somebody's way by
anything but nearness.
"""

from __future__ import annotations

from random import SystemRandom
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from collector.floors import FloorView, ZoneView
    from collector.serve.floor_sketch import Sketch

MOST_DOTS: Final = 2000  # drawn at a time; of more, so many by chance, and the page says so
KINDS: Final = {
    "client": "Wi-Fi clients",
    "unconnected_client": "Unconnected",
    "sdkclient": "App users",
    "asset": "Assets",
    "discovered_asset": "Unknown assets",
}
LIMITED: Final = ("client", "sdkclient")  # who counts against the limit of a zone, as in the alert rules
LEVELS: Final = ("empty", "few", "some", "many", "full")
_SOME, _MANY = 5, 20  # people in a zone without a limit
_SOME_OF, _MANY_OF = 0.5, 0.8  # shares of a limit
_random = SystemRandom()


def level_of(zone: ZoneView) -> int:
    """How full a zone is, as a number in LEVELS; full is only one that has a limit."""
    people = sum(zone.occupants.values())
    if zone.limit:
        counted = counted_of(zone) / zone.limit
        if counted >= 1:
            return 4
        return 3 if counted >= _MANY_OF else 2 if counted >= _SOME_OF else 1 if people else 0
    return 3 if people >= _MANY else 2 if people >= _SOME else 1 if people else 0


def counted_of(zone: ZoneView) -> int:
    """How many count against the limit."""
    return sum(zone.occupants.get(kind, 0) for kind in LIMITED)


def zone_frame(zone: ZoneView) -> dict[str, Any]:
    """A zone as it is now: a level, all that are in it, by kind, and in words against the limit."""
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
    """Everything that moves. `now` is monotonic; `unix` is what the page shows as the time of the frame."""
    chosen = _random.sample(view.dots, min(len(view.dots), MOST_DOTS))
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
    """A path with a vertex at each dot, where the drawing puts the sign of the kind; one alone needs a second."""
    return "".join(points * 2 if len(points) == 1 else points)


def event_of(frame: Mapping[str, Any]) -> bytes:
    """A frame as a server-sent event: one line, for JSON has no line breaks of its own."""
    return b"data: %b\n\n" % orjson.dumps(frame)
