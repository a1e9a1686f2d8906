"""Layout of the dashboards: rows of panels on Grafana's grid, template variables, and links between the dashboards."""

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

_NOT_IN_SCHEMA = ("auto", "auto_min", "auto_count", "id")  # the SDK sets them on every kind of variable
BUILD_INFO = "mist_collector_build_info"


@dataclass(frozen=True, slots=True)
class Row:
    """A dashboard row and its panels, in reading order."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """A dashboard.

    Args:
        name: Last part of the uid, and name of the JSON file.
        title: Title in Grafana.
        description: Description in Grafana.
        rows: Rows, from top to bottom.
        variables: Template variables beside data source, job and instance: "org", "site", "device".
        device_type: Regular expression of the device types that the variable "device" lists.
        time_from: Start of the default time range.
    """

    name: str
    title: str
    description: str
    rows: Sequence[Row]
    variables: tuple[str, ...] = ("org", "site")
    device_type: str = ".+"
    time_from: str = "now-6h"


def uid_of(settings: Settings, name: str) -> str:
    """Return the uid of a dashboard."""
    return f"{settings.dashboards['uid_prefix']}-{name}"


def dashboard_url(name: str, **variables: str) -> str:
    """Return the URL of a dashboard that keeps data source and time range and sets `variables`."""
    parameters = "".join(f"&var-{variable}={value}" for variable, value in variables.items())
    return f"/d/<uid_prefix>-{name}/?${{datasource:queryparam}}&${{__url_time_range}}{parameters}"


SITE_LINK = dashboard_url("site", site="${__data.fields.site_id}")
"""Link of a table cell to the dashboard *Site* of its row's `site_id`."""


def render(source: Dashboard, settings: Settings) -> str:
    """Return the JSON of a dashboard, with all placeholders replaced."""
    builder = (
        dashboard.Dashboard(source.title)
        .uid(uid_of(settings, source.name))
        .description(source.description)
        .tags(list(settings.dashboards["tags"]))
        .readonly()
        .refresh(settings.dashboards["refresh"])
        .time(source.time_from, "now")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .variables(_variables(source, settings))
        .link(_dashboards_link(settings))
    )
    _place(builder, source.rows)
    raw = json.loads(JSONEncoder().encode(builder.build()))
    raw.pop("style", None)  # removed in Grafana 10
    for panel in raw["panels"]:
        panel.get("options", {}).pop("footer", None)  # removed in Grafana 12
    for variable in raw["templating"]["list"]:
        for name in _NOT_IN_SCHEMA:
            variable.pop(name, None)
    return json.dumps(_substituted(raw, settings), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _dashboards_link(settings: Settings) -> Any:
    link = dashboard.DashboardLink("Mist").type(models.DashboardLinkType.DASHBOARDS)
    link.tags(list(settings.dashboards["tags"])).as_dropdown(True).icon("external link")
    return (
        link.tooltip("Other Mist dashboards, with the same variables and time range").include_vars(True).keep_time(True)
    )


def _place(builder: Any, rows: Sequence[Row]) -> None:
    """Place the panels of each row from left to right; a panel that does not fit starts a new line."""
    y, number = 0, 1
    for row in rows:
        builder.with_row(dashboard.Row(row.title).id(number).grid_pos(models.GridPos(h=1, w=COLUMNS, x=0, y=y)))
        y, number, x, height = y + 1, number + 1, 0, 0
        for panel in row.panels:
            if x + panel.w > COLUMNS:
                x, y, height = 0, y + height, 0
            position = models.GridPos(h=panel.h, w=panel.w, x=x, y=y)
            builder.with_panel(panel.build().id(number).grid_pos(position))
            x, height, number = x + panel.w, max(height, panel.h), number + 1
        y += height


def _variables(source: Dashboard, settings: Settings) -> list[Any]:
    variables: list[Any] = [dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")]
    variables.append(_query("job", "Job", f'label_values({BUILD_INFO}{{job=~"{settings.job}.*"}}, job)'))
    variables.append(_query("instance", "Instance", f'label_values({BUILD_INFO}{{job=~"$job"}}, instance)'))
    matchers = 'job=~"$job", instance=~"$instance"'
    if "org" in source.variables:
        variables.append(_named("org", "Organisation", f"org:mist_org_info:named{{{matchers}}}", "org", "org_id"))
    if "site" in source.variables:
        matchers += ', org_id=~"$org"'
        variables.append(_named("site", "Site", f"site:mist_site_info:named{{{matchers}}}", "site", "site_id"))
    if "device" in source.variables:
        matchers += f', site_id=~"$site", device_type=~"{source.device_type}"'
        variables.append(_named("device", "Device", f"device:mist_device_info:named{{{matchers}}}", "device", "mac"))
    return variables


def _named(name: str, label: str, selector: str, text: str, value: str) -> Any:
    """Return a variable that shows names and holds ids, so that a renamed object breaks no saved link."""
    pattern = f'/^(?=.*\\b{text}="(?<text>[^"]*)")(?=.*\\b{value}="(?<value>[^"]*)").*$/'
    return _query(name, label, f"query_result({selector})", all_value=".*").regex(pattern)


def _query(name: str, label: str, query: str, *, all_value: str = ".+") -> Any:
    variable = dashboard.QueryVariable(name).label(label).datasource(DATASOURCE)
    variable.query({"query": query, "refId": f"Variable-{name}"}).refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    variable.sort(models.VariableSort.ALPHABETICAL_ASC).multi(True).include_all(True).all_value(all_value)
    return variable.current(models.VariableOption(selected=True, text=["All"], value=["$__all"]))


def _substituted(raw: Any, settings: Settings) -> Any:
    if isinstance(raw, dict):
        return {key: _substituted(value, settings) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_substituted(value, settings) for value in raw]
    return settings.substitute(raw) if isinstance(raw, str) else raw
