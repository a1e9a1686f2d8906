"""The HTML of the floor list and of one floor. Every text from outside is escaped here.

A floor page contains the numbers of its first frame, so that it is useful without scripts; `floor.js` replaces them
with those of later frames.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from collector.serve import humanize, markup
from collector.serve.floor_frames import KINDS, MAX_DOTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from collector.floors import FloorLine, FloorView
    from collector.serve.floor_sketch import Sketch

MAX_FLOORS: Final = 1000  # in the list: those with most occupants
REFRESH_S: Final = 30
_MARKS: Final = {
    "client": '<circle r="6"/>',
    "unconnected_client": '<circle class="ring" r="5"/>',
    "sdkclient": '<path d="M0 -8L8 6H-8Z"/>',
    "asset": '<path d="M-6 -6H6V6H-6Z"/>',
    "discovered_asset": '<path class="ring" d="M0 -7L7 0L0 7L-7 0Z"/>',
}
_LEVELS: Final = (
    ("empty", "no occupants"),
    ("few", "up to 4, or less than 50 % of the limit"),
    ("some", "5 to 19, or at least 50 % of the limit"),
    ("many", "20 or more, or at least 80 % of the limit"),
    ("full", "limit reached (hatched)"),
)


def floors_page(lines: Sequence[FloorLine], site_name: Callable[[str], str]) -> str:
    """Return the list of floors, by site and name."""
    shown = sorted(lines, key=lambda line: (-line.people, line.map_id))[:MAX_FLOORS]
    named = sorted((site_name(line.site_id) or line.site_id, line.name or line.map_id, line.map_id) for line in shown)
    by_id = {line.map_id: line for line in shown}
    rows = "".join(_line(site, name, by_id[map_id]) for site, name, map_id in named)
    if rows:
        less = (
            f"The {MAX_FLOORS} floors with most occupants of {humanize.count(len(lines))} floors."
            if len(lines) > MAX_FLOORS
            else ""
        )
        heads = '<th scope="col">Floor</th><th scope="col">Site</th>'
        heads += '<th scope="col" class="n">Zones</th><th scope="col" class="n">Located now</th>'
        listed = markup.paragraph(less, "soft") if less else ""
        listed += _scroller("Floors", f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>")
    else:
        listed = markup.paragraph("No floors yet.") + markup.paragraph(
            "Floors appear when positions are collected: see streams.location in the configuration.", "soft"
        )
    head = f'<meta http-equiv="refresh" content="{REFRESH_S}"><link rel="stylesheet" href="floors/floor.css">'
    body = f'<nav><a href="./">Status</a><a href="events">Events</a></nav><main><h1>Floors</h1>{listed}</main>'
    return markup.document("Floors - mist-collector", head, body)


def _line(site: str, name: str, line: FloorLine) -> str:
    link = f'<a href="floors/{quote(line.map_id, safe="")}">{html.escape(name)}</a>'
    numbers = f'<td class="n">{humanize.count(line.zones)}</td><td class="n">{humanize.count(line.people)}</td>'
    return f'<tr><th scope="row">{link}</th><td>{html.escape(site)}</td>{numbers}</tr>'


def missing_page() -> str:
    """Return the page for an unknown floor."""
    head = f'<meta http-equiv="refresh" content="{REFRESH_S}"><link rel="stylesheet" href="floor.css">'
    body = (
        "<main><h1>No such floor</h1><p>The map does not exist, or has not been read yet: reading all maps "
        "after a start takes a while.</p>"
    )
    return markup.document("No such floor", head, f'{body}<p><a href="../floors">All floors</a></p></main>')


def floor_page(view: FloorView, sketch: Sketch, frame: Mapping[str, Any], site: str) -> str:
    """Return the page of one floor."""
    name = view.name or view.map_id
    head = (
        '<link rel="stylesheet" href="floor.css"><script src="floor.js" defer></script>'
        f'<noscript><meta http-equiv="refresh" content="{REFRESH_S}"></noscript>'
    )
    body = (
        '<a class="skip" href="#numbers">Skip to the tables</a>'
        '<nav><a href="../floors">All floors</a><a href="../">Status</a><a href="../events">Events</a></nav>'
        f'<main data-events="{quote(view.map_id, safe="")}/events" data-drawing="{sketch.mark}">'
        f'<h1>{html.escape(name)}</h1><p class="soft">{html.escape(site or view.site_id)}{_size(view)}</p>'
        '<p class="bar"><strong id="state" role="status">State when this page was loaded</strong> '
        '<span id="as-of" class="soft"></span> <button type="button" id="pause" hidden>Pause</button></p>'
        f"{_drawing(name, sketch, frame)}{_legend()}{_numbers(view, frame)}</main>"
    )
    return markup.document(f"{name} - floor", head, body)


def _size(view: FloorView) -> str:
    if not (view.ppm and view.width and view.height):
        return "; scale unknown"
    return f"; {view.width / view.ppm:.0f} by {view.height / view.ppm:.0f} m"


def _drawing(name: str, sketch: Sketch, frame: Mapping[str, Any]) -> str:
    """Return the drawing with its first frame: zones at the bottom, then dots, walls and numbers."""
    sheet, zones = sketch.sheet, frame["zones"]
    areas = "".join(
        f'<g class="zone level-{zones[number]["level"]}" data-zone="{number}">{area}</g>'
        for number, area in sketch.areas
    )
    labels = "".join(
        f'<g class="label" data-zone="{number}"><text class="name" x="{at.x}" y="{at.y - 4}">{html.escape(at.name)}'
        f'</text><text class="count" x="{at.x}" y="{at.y + 22}">{zone["all"]}</text></g>'
        for number, (at, zone) in enumerate(zip(sketch.labels, zones, strict=True))
    )
    return (
        f'<svg class="floor" viewBox="0 0 {sheet.width} {sheet.height}" role="img"'
        ' aria-labelledby="drawing-title drawing-description">'
        f'<title id="drawing-title">Floor plan of {html.escape(name)}</title>'
        '<desc id="drawing-description">The tables below contain the numbers of this drawing.</desc>'
        f"<defs>{_defs()}</defs>"
        f'<rect class="sheet" width="{sheet.width}" height="{sheet.height}"/>'
        f"{areas}{_dots(frame)}{sketch.walls}{labels}</svg>"
    )


def _dots(frame: Mapping[str, Any]) -> str:
    return "".join(
        f'<path class="dots" data-kind="{kind}" d="{frame["dots"][kind]}" marker-start="url(#{kind})"'
        f' marker-mid="url(#{kind})" marker-end="url(#{kind})"/>'
        for kind in KINDS
    )


def _defs() -> str:
    hatch = '<path d="M-2 2L2 -2M0 12L12 0M10 14L14 10"/>'
    return f'<pattern id="hatch" width="12" height="12" patternUnits="userSpaceOnUse">{hatch}</pattern>' + "".join(
        f'<marker id="{kind}" class="mark {kind}" viewBox="-10 -10 20 20" markerWidth="20" markerHeight="20"'
        f' markerUnits="userSpaceOnUse" overflow="visible">{mark}</marker>'
        for kind, mark in _MARKS.items()
    )


def _legend() -> str:
    """Return the legend of zone colours; the table of kinds explains the markers."""
    levels = "".join(
        f'<li class="level-{number}"><span class="swatch"></span> <b>{word}</b>: {rule}</li>'
        for number, (word, rule) in enumerate(_LEVELS)
    )
    return f'<section><h2>Zone occupancy</h2><ul class="legend">{levels}</ul></section>'


def _numbers(view: FloorView, frame: Mapping[str, Any]) -> str:
    """Return the tables: occupants by kind, and by zone."""
    more = "" if frame["drawn"] == frame["all"] else f"The drawing shows a random sample of {MAX_DOTS}."
    kinds = "".join(
        f'<tr><th scope="row"><svg class="key mark {kind}" viewBox="-10 -10 20 20" aria-hidden="true">{_MARKS[kind]}'
        f'</svg> {label}</th><td class="n" data-people>{count}</td></tr>'
        for (kind, label), count in zip(KINDS.items(), frame["people"], strict=True)
    )
    total = f'<tr><th scope="row">All</th><td class="n" id="all">{frame["all"]}</td></tr>'
    heads = '<th scope="col">Marker and kind</th><th scope="col" class="n">Located now</th>'
    people = f"<table><thead><tr>{heads}</tr></thead><tbody>{kinds}</tbody><tfoot>{total}</tfoot></table>"
    return (
        f'<section id="numbers" tabindex="-1"><h2>Occupants of this floor</h2><p id="more" class="soft">{more}</p>'
        f"{_scroller('Occupants of this floor', people)}<h2>Occupants by zone</h2>{_zones(view, frame)}"
        '<p class="soft">The counts are of located devices, not of people. Wi-Fi clients and app users count towards '
        "the limit.</p></section>"
    )


def _zones(view: FloorView, frame: Mapping[str, Any]) -> str:
    heads = ("Zone", "#Located", "State", "Use of limit", *(f"#{kind}" for kind in KINDS.values()))
    head = "".join(
        f'<th scope="col" class="n">{head[1:]}</th>' if head.startswith("#") else f'<th scope="col">{head}</th>'
        for head in heads
    )
    rows = "".join(
        _zone(number, zone.name or zone.zone_id, now)
        for number, (zone, now) in enumerate(zip(view.zones, frame["zones"], strict=True))
    )
    if not rows:
        return markup.paragraph("This map has no zones.", "soft")
    return _scroller("Occupants by zone", f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")


def _zone(number: int, name: str, now: Mapping[str, Any]) -> str:
    kinds = "".join(f'<td class="n" data-of="kind">{count}</td>' for count in now["kinds"])
    button = f'<button type="button" class="find" aria-pressed="false" disabled>{html.escape(name)}</button>'
    return (
        f'<tr class="level-{now["level"]}" data-row="{number}"><th scope="row">{button}</th>'
        f'<td class="n" data-of="all">{now["all"]}</td>'
        f'<td class="state"><span class="swatch"></span> <span data-of="state">{now["state"]}</span></td>'
        f'<td data-of="limit">{now["limit"]}</td>{kinds}</tr>'
    )


def _scroller(name: str, table: str) -> str:
    """Return a table in a box that scrolls on a narrow screen, with the keyboard as well."""
    return f'<div class="box" role="region" aria-label="{name}" tabindex="0">{table}</div>'
