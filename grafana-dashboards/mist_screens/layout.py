"""Dashboards: rows of panels that flow into Grafana's grid, with the variables and links of the family."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from mist_screens.panels import COLUMNS, DATASOURCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mist_screens.panels import Panel
    from mist_screens.settings import Settings

_NOT_OF_THE_SCHEMA = ("auto", "auto_min", "auto_count", "id")  # the SDK gives them to every kind of variable
NAMES = "mist_collector_build_info"


@dataclass(frozen=True, slots=True)
class Section:
    """A row with its panels, in reading order."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """A dashboard. `variables` of "org", "site", "device" are chosen at its top; `device_type` narrows the devices."""

    name: str
    title: str
    says: str
    sections: Sequence[Section]
    variables: tuple[str, ...] = ("org", "site")
    device_type: str = ".+"
    since: str = "now-6h"


def uid_of(settings: Settings, name: str) -> str:
    """The identity of a dashboard; links use it."""
    return f"{settings.dashboards['uid_prefix']}-{name}"


def to_screen(name: str, **variables: str) -> str:
    """Return the address of a dashboard that takes over data source and time, with more variables."""
    said = "".join(f"&var-{variable}={value}" for variable, value in variables.items())
    return f"/d/<uid_prefix>-{name}/?${{datasource:queryparam}}&${{__url_time_range}}{said}"


SITE_OF_ROW = to_screen("site", site="${__data.fields.site_id}")


def render(screen: Screen, settings: Settings) -> str:
    """Return the JSON of a dashboard, its words filled in."""
    builder = (
        dashboard.Dashboard(screen.title)
        .uid(uid_of(settings, screen.name))
        .description(screen.says)
        .tags(list(settings.dashboards["tags"]))
        .readonly()
        .refresh(settings.dashboards["refresh"])
        .time(screen.since, "now")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .variables(_variables(screen, settings))
        .link(_family(settings))
    )
    _place(builder, screen.sections)
    raw = json.loads(JSONEncoder().encode(builder.build()))
    raw.pop("style", None)  # of dashboards before Grafana 10
    for panel in raw["panels"]:
        panel.get("options", {}).pop("footer", None)  # of tables before Grafana 12
    for variable in raw["templating"]["list"]:
        for name in _NOT_OF_THE_SCHEMA:
            variable.pop(name, None)
    return json.dumps(_filled(raw, settings), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _family(settings: Settings) -> Any:
    link = dashboard.DashboardLink("Mist").type(models.DashboardLinkType.DASHBOARDS)
    link.tags(list(settings.dashboards["tags"])).as_dropdown(True).icon("external link")
    return link.tooltip("The other screens, with the same choices").include_vars(True).keep_time(True)


def _place(builder: Any, sections: Sequence[Section]) -> None:
    """Flow the panels of each section from left to right; a new line begins where the next does not fit."""
    y, number = 0, 1
    for section in sections:
        builder.with_row(dashboard.Row(section.title).id(number).grid_pos(models.GridPos(h=1, w=COLUMNS, x=0, y=y)))
        y, number, x, height = y + 1, number + 1, 0, 0
        for panel in section.panels:
            if x + panel.w > COLUMNS:
                x, y, height = 0, y + height, 0
            place = models.GridPos(h=panel.h, w=panel.w, x=x, y=y)
            builder.with_panel(panel.build().id(number).grid_pos(place))
            x, height, number = x + panel.w, max(height, panel.h), number + 1
        y += height


def _variables(screen: Screen, settings: Settings) -> list[Any]:
    chosen: list[Any] = [dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")]
    chosen.append(_query("job", "Job", f'label_values({NAMES}{{job=~"{settings.job}.*"}}, job)'))
    chosen.append(_query("instance", "Instance", f'label_values({NAMES}{{job=~"$job"}}, instance)'))
    where = 'job=~"$job", instance=~"$instance"'
    if "org" in screen.variables:
        chosen.append(_named("org", "Organisation", f"org:mist_org_info:named{{{where}}}", "org", "org_id"))
    if "site" in screen.variables:
        where += ', org_id=~"$org"'
        chosen.append(_named("site", "Site", f"site:mist_site_info:named{{{where}}}", "site", "site_id"))
    if "device" in screen.variables:
        where += f', site_id=~"$site", device_type=~"{screen.device_type}"'
        chosen.append(_named("device", "Device", f"device:mist_device_info:named{{{where}}}", "device", "mac"))
    return chosen


def _named(name: str, label: str, selector: str, text: str, value: str) -> Any:
    """A variable that shows names and holds ids, so that renaming breaks no link."""
    pattern = f'/^(?=.*\\b{text}="(?<text>[^"]*)")(?=.*\\b{value}="(?<value>[^"]*)").*$/'
    return _query(name, label, f"query_result({selector})", all_value=".*").regex(pattern)


def _query(name: str, label: str, query: str, *, all_value: str = ".+") -> Any:
    variable = dashboard.QueryVariable(name).label(label).datasource(DATASOURCE)
    variable.query({"query": query, "refId": f"Variable-{name}"}).refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    variable.sort(models.VariableSort.ALPHABETICAL_ASC).multi(True).include_all(True).all_value(all_value)
    return variable.current(models.VariableOption(selected=True, text=["All"], value=["$__all"]))


def _filled(raw: Any, settings: Settings) -> Any:
    if isinstance(raw, dict):
        return {key: _filled(value, settings) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_filled(value, settings) for value in raw]
    return settings.fill(raw) if isinstance(raw, str) else raw
