"""A page that shows a dashboard for a human eye: its layout, and the latest values of its queries. No Grafana needed.

It is no picture of Grafana: it shows where each panel stands, how large it is, what it is called, and what its queries
answer, coloured by the panel's own thresholds and words; lines are the few minutes that the test has lived.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable  # noqa: TC003 - the table of ways is built when the module is read
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Rows = list[dict[str, Any]]

_ROW_PX, _MARGIN_PX = 30, 8  # of Grafana's grid
_CSS = (Path(__file__).parent / "gallery.css").read_text(encoding="utf-8")
_COLOURS = {
    "green": "#37872d",
    "red": "#c4162a",
    "blue": "#1f60c4",
    "orange": "#fa6400",
    "#EAB839": "#b58a00",
    "text": "#ccc",
}
_PALETTE = (
    "#73bf69",
    "#f2cc0c",
    "#8ab8ff",
    "#ff780a",
    "#f2495c",
    "#5794f2",
    "#b877d9",
    "#b5b5c3",
    "#96d98d",
    "#ffb357",
)
_SI = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))


def said(value: float, unit: str) -> str:
    """A value with its unit, as short as Grafana says it."""
    way = _WAYS.get(unit)
    if way is not None:
        return way(value)
    suffix = _SUFFIXES.get(unit, "")
    for size, prefix in _SI:
        if abs(value) >= size:
            return f"{value / size:.4g} {prefix}{suffix}".strip()
    return f"{value:.3g}{suffix}"


def _time(value: float) -> str:
    for size, word in ((86400, "d"), (3600, "h"), (60, "min")):
        if abs(value) >= size:
            return f"{value / size:.1f} {word}"
    return f"{value:.2g} s" if abs(value) < 10 else f"{value:.0f} s"


_SUFFIXES = {"watt": "W", "pps": "p/s", "ops": "/s", "reqps": "/s", "bps": "bit/s", "bytes": "B"}
_WAYS: dict[str, Callable[[float], str]] = {
    "percentunit": lambda value: f"{value * 100:.1f}%".replace(".0%", "%"),
    "bool_yes_no": lambda value: "yes" if value else "no",
    "s": _time,
    "dtdurations": _time,
    "dBm": lambda value: f"{value:.0f} dBm",
    "dB": lambda value: f"{value:.0f} dB",
    "celsius": lambda value: f"{value:.0f} °C",
}


def colour_of(value: float, defaults: dict[str, Any]) -> str:
    """The colour that the thresholds give."""
    colour = "blue"
    for step in defaults.get("thresholds", {}).get("steps", ()):
        if step["value"] is None or value >= step["value"]:
            colour = step["color"]
    return _COLOURS.get(colour, colour)


def word_of(value: float, mappings: list[dict[str, Any]]) -> tuple[str, str] | None:
    """The word and the colour that a mapping gives."""
    for mapping in mappings:
        found = mapping["options"].get(f"{value:g}")
        if found:
            return found["text"], _COLOURS.get(found["color"], found["color"])
    return None


def shown(value: float, defaults: dict[str, Any]) -> tuple[str, str]:
    """Text and colour of a value."""
    word = word_of(value, defaults.get("mappings", []))
    if defaults.get("decimals") == 0:
        value = float(round(value))
    return word if word and word[0] else (said(value, defaults.get("unit", "")), colour_of(value, defaults))


def legend(pattern: str, labels: dict[str, str]) -> str:
    """A series' name."""
    if pattern == "__auto":
        return " ".join(value for name, value in labels.items() if name not in ("__name__", "job", "instance"))
    return re.sub(r"{{\s*(\w+)\s*}}", lambda found: labels.get(found[1], ""), pattern)


@dataclass(frozen=True, slots=True)
class Asks:
    """How the page asks: for the latest values, and for those of the last minutes."""

    now: Callable[[str], Rows]
    lately: Callable[[str], Rows]


def page(board: dict[str, Any], ask: Asks, width_px: int) -> str:
    """The page of a dashboard."""
    unit_px = (width_px - 16) / 24
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    sections = [_section(panel, ask, unit_px) for panel in board["panels"]]
    title, says = html.escape(board["title"]), html.escape(board["description"])
    return (
        f"<!doctype html><meta charset=utf-8><title>{title}</title><style>{_CSS}</style>"
        f"<body style='width:{width_px}px'><header>{title}<small>{says}</small></header>"
        f"<main style='height:{height * (_ROW_PX + _MARGIN_PX)}px'>{''.join(sections)}</main>{_MEASURE}"
    )


# What does not fit, for the test: titles that are cut, and large numbers that are wider than their panel.
_MEASURE = """<pre id=cut hidden></pre><script>
const cut=[];
for(const h of document.querySelectorAll('h2,.stat .body'))if(h.scrollWidth>h.clientWidth+1)cut.push(h.textContent);
document.getElementById('cut').textContent=JSON.stringify(cut)</script>"""


def _section(panel: dict[str, Any], ask: Asks, unit_px: float) -> str:
    place, step = panel["gridPos"], _ROW_PX + _MARGIN_PX
    style = (
        f"left:{place['x'] * unit_px:.0f}px;top:{place['y'] * step}px;"
        f"width:{place['w'] * unit_px - _MARGIN_PX:.0f}px;height:{place['h'] * step - _MARGIN_PX}px"
    )
    title = html.escape(panel["title"])
    if panel["type"] == "row":
        return f"<section class=row style='{style}'>⌄ {title}</section>"
    way = ask.lately if panel["type"] == "timeseries" else ask.now
    body = _BODIES[panel["type"]](panel, [(t, way(t["expr"])) for t in panel["targets"]])
    hint = html.escape(panel["description"], quote=True)
    return f"<section class={panel['type']} style='{style}' title=\"{hint}\"><h2>{title}</h2>{body}</section>"


def _empty(panel: dict[str, Any]) -> str:
    return f"<div class=body><div class=empty>{html.escape(panel['fieldConfig']['defaults']['noValue'])}</div></div>"


def _stat(panel: dict[str, Any], answers: list[tuple[dict[str, Any], Rows]]) -> str:
    values = [float(row["value"][1]) for _, rows in answers for row in rows]
    if not values:
        return _empty(panel)
    text, colour = shown(values[0], panel["fieldConfig"]["defaults"])
    size = min(panel["gridPos"]["h"] * 13, 46)
    return f"<div class=body style='background:{colour};font-size:{size}px'>{html.escape(text)}</div>"


def _bars(panel: dict[str, Any], answers: list[tuple[dict[str, Any], Rows]]) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    named = [(legend(t["legendFormat"], row["metric"]), float(row["value"][1])) for t, rows in answers for row in rows]
    named = [(name, value) for name, value in named if value == value]  # noqa: PLR0124 - NaN differs from itself
    if not named:
        return _empty(panel)
    largest = max(defaults.get("max") or 0, *(abs(value) for _, value in named)) or 1
    lines = []
    for name, value in named[: panel["gridPos"]["h"] * 2 - 1]:
        text, colour = shown(value, defaults)
        bar = f"<i style='width:{abs(value) / largest * 35:.0f}%;background:{colour}'></i>"
        lines.append(f"<div class=bar><span>{html.escape(name)}</span>{bar}<b>{html.escape(text)}</b></div>")
    return f"<div class=body>{''.join(lines)}</div>"


def _lines(panel: dict[str, Any], answers: list[tuple[dict[str, Any], Rows]]) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    series = [(legend(t["legendFormat"], row["metric"]), row["values"]) for t, rows in answers for row in rows]
    values = [float(value) for _, points in series for _, value in points if value != "NaN"]
    if not values:
        return _empty(panel)
    lowest, high = min(values), max(values)
    low = lowest if lowest < 0 else 0.0
    begin = min(float(points[0][0]) for _, points in series)
    spans = (max(float(points[-1][0]) for _, points in series) - begin or 1.0, (high - low) or 1.0)
    drawn, names = [], []
    for at, (name, points) in enumerate(series[:12]):
        fixed = _field(panel, name).get("color", {}).get("fixedColor")
        colour = _bright(_COLOURS.get(fixed, fixed)) if fixed else _PALETTE[at % len(_PALETTE)]
        xy = (
            f"{(float(x) - begin) / spans[0] * 100:.2f},{38 - (float(y) - low) / spans[1] * 34:.2f}"
            for x, y in points
            if y != "NaN"
        )
        line = f"<polyline points='{' '.join(xy)}' fill=none stroke='{colour}' vector-effect=non-scaling-stroke />"
        drawn.append(line)
        last = said(float(points[-1][1]), defaults.get("unit", ""))
        names.append(f"<em style='color:{colour}'>▬</em> {html.escape(name)} <b>{html.escape(last)}</b>")
    bounds = f"<small>{html.escape(said(high, defaults['unit']))}</small>"
    svg = f"<svg viewBox='0 0 100 40' preserveAspectRatio=none>{''.join(drawn)}</svg>"
    return f"<div class='body lines'>{bounds}{svg}<p>{' &nbsp; '.join(names)}</p></div>"


def _table(panel: dict[str, Any], answers: list[tuple[dict[str, Any], Rows]]) -> str:
    options = next(t["options"] for t in panel["transformations"] if t["id"] == "organize")
    order = sorted(options["indexByName"], key=options["indexByName"].__getitem__)
    fields = {name: _field(panel, options["renameByName"].get(name, name)) for name in order}
    names = [name for name in order if not fields[name].get("custom.hidden")]
    rows = _merged(answers)
    if not rows:
        return _empty(panel)
    wanted = (panel.get("options", {}).get("sortBy") or [{}])[0]
    title_of = {options["renameByName"].get(name, name): name for name in order}
    key = title_of.get(wanted.get("displayName", ""), "")
    rows.sort(key=lambda row: row.get(key, 0), reverse=bool(wanted.get("desc")))
    rows.sort(key=lambda row: key not in row)  # what has no value stands last, either way
    head = "".join(f"<th>{html.escape(options['renameByName'].get(name, name))}</th>" for name in names)
    cells = ("".join(_cell(row.get(name), fields[name]) for name in names) for row in rows[: panel["gridPos"]["h"] * 2])
    return f"<div class=body><table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in cells)}</table></div>"


def _merged(answers: list[tuple[dict[str, Any], Rows]]) -> list[dict[str, Any]]:
    """Rows joined as Grafana's merge does: where the labels that two have in common are equal."""
    merged: list[dict[str, Any]] = []
    for target, rows in answers:
        field = f"Value #{target['refId']}" if len(answers) > 1 else "Value"
        for row in rows:
            labels = {name: value for name, value in row["metric"].items() if name != "__name__"}
            fits = [one for one in merged if field not in one and all(one.get(k, v) == v for k, v in labels.items())]
            for one in fits:
                one.update(labels, **{field: float(row["value"][1])})
            if not fits:
                merged.append(labels | {field: float(row["value"][1])})
    return merged


def _field(panel: dict[str, Any], title: str) -> dict[str, Any]:
    """What the overrides say of a column, beside the defaults."""
    said_of = {"unit": panel["fieldConfig"]["defaults"]["unit"]}
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] == title:
            said_of |= {one["id"]: one["value"] for one in override["properties"]}
    return said_of


def _cell(value: Any, field: dict[str, Any]) -> str:
    if isinstance(value, float):
        text, colour = shown(value, field)
        coloured = "mappings" in field or "thresholds" in field
        return f"<td style='color:{_bright(colour) if coloured else 'inherit'}'>{html.escape(text)}</td>"
    return f"<td>{html.escape(str(value or ''))}</td>"


def _bright(colour: str) -> str:
    """The same colour, readable as text on the dark ground."""
    return {"#37872d": "#73bf69", "#c4162a": "#ff7383", "#b58a00": "#f2cc0c", "#1f60c4": "#ccccdc"}.get(colour, colour)


_BODIES = {"stat": _stat, "bargauge": _bars, "timeseries": _lines, "state-timeline": _bars, "table": _table}


def variables_of(expr: str) -> str:
    """A panel's query with everything chosen and Grafana's intervals written out, for the hurried NOC of the tests."""
    for word, value in (("$__rate_interval", "30s"), ("$__range", "5m")):
        expr = expr.replace(word, value)
    return re.sub(r"\$(job|instance|org|site|device)\b", ".*", expr)


def cut_texts(dom: str) -> list[str]:
    """What the page itself measured as cut, from its DOM."""
    found = re.search(r'<pre id="cut" hidden="">(.*?)</pre>', dom, re.DOTALL)
    texts: list[str] = json.loads(html.unescape(found[1])) if found else ["the page did not measure itself"]
    return texts
