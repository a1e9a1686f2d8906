"""Panel types of the dashboards, built on Grafana's foundation SDK.

A panel is one declaration: title, description, queries, unit and thresholds. Sizes are in units of Grafana's grid of 24
columns; `layout` computes positions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DATASOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "#EAB839", "orange", "red", "blue", "#808080"
COLUMNS = 24


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression with <placeholders>, and the legend of its series."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Warning and critical thresholds of a panel or column.

    Args:
        note: Sentence that explains the thresholds; it ends the panel's description.
        warning: Value from which the colour is yellow.
        critical: Value from which the colour is red. Below `warning`, low values are the critical ones.
    """

    note: str
    warning: float | None = None
    critical: float | None = None

    @property
    def descending(self) -> bool:
        """Return whether lower values are worse."""
        return self.warning is not None and self.critical is not None and self.critical < self.warning

    def steps(self) -> list[models.Threshold]:
        """Return Grafana's threshold steps: each colour applies from its value upwards."""
        if self.descending:
            return [
                models.Threshold(None, RED),
                models.Threshold(self.critical, YELLOW),
                models.Threshold(self.warning, GREEN),
            ]
        steps = [models.Threshold(None, GREEN)]
        steps += [
            models.Threshold(value, colour)
            for value, colour in ((self.warning, YELLOW), (self.critical, RED))
            if value is not None
        ]
        return steps


@dataclass(frozen=True, slots=True)
class ValueMappings:
    """Value mappings: text and colour by value, so that colour is never the only sign of a state."""

    by_value: Mapping[int, tuple[str, str]]

    def mappings(self) -> list[models.ValueMapping]:
        """Return Grafana's value mappings."""
        options = {
            str(value): models.ValueMappingResult(text=text, color=colour, index=index)
            for index, (value, (text, colour)) in enumerate(self.by_value.items())
        }
        return [models.ValueMap(options=options)]


UP = ValueMappings({0: ("DOWN", RED), 1: ("up", GREEN)})
FAULT = ValueMappings({0: ("no", GREEN), 1: ("YES", RED)})
HEALTH = ValueMappings({0: ("healthy", GREEN), 1: ("degraded", YELLOW), 2: ("CRITICAL", ORANGE), 3: ("DOWN", RED)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Options that all panel types share. `no_value` is the text of a panel without data: reason and remedy."""

    title: str
    description: str
    queries: tuple[Query, ...]
    no_value: str
    unit: str = "short"
    thresholds: Thresholds | None = None
    mappings: ValueMappings | None = None
    w: int = 8
    h: int = 8
    decimals: int | None = None

    def build(self) -> Any:
        """Return the SDK's builder of the panel, without a position."""
        raise NotImplementedError

    def full_description(self) -> str:
        """Return the description followed by the note of the thresholds."""
        return f"{self.description} {self.thresholds.note}" if self.thresholds else self.description

    def apply_common(self, panel: Any) -> Any:
        """Set the shared options. `Any`: the SDK's builders share these methods, but no base class."""
        panel.title(self.title).description(self.full_description()).datasource(DATASOURCE)
        panel.span(self.w).height(self.h).unit(self.unit).no_value(self.no_value)
        steps = self.thresholds.steps() if self.thresholds else [models.Threshold(None, BLUE)]
        panel.thresholds(dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps))
        if self.mappings:
            panel.mappings(self.mappings.mappings())
        if self.decimals is not None:
            panel.decimals(self.decimals)
        return panel

    def add_targets(self, panel: Any, *, instant: bool = False, table: bool = False) -> Any:
        """Add the queries with the reference ids A, B, C..."""
        for query, ref_id in zip(self.queries, "ABCDEFGHIJKL", strict=False):
            target = prometheus.Dataquery().expr(" ".join(query.expr.split())).ref_id(ref_id).datasource(DATASOURCE)
            target.legend_format(query.legend or "__auto")
            target.format(PromQueryFormat.TABLE if table else PromQueryFormat.TIME_SERIES)
            panel.with_target(target.instant() if instant else target.range())
        return panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat(Panel):
    """Stat panel: the latest value of one or a few queries. `show_name` adds the legend to each value."""

    w: int = 4
    h: int = 4
    link: str = ""
    show_name: bool = False

    def build(self) -> Any:
        """Return the builder."""
        panel = self.add_targets(self.apply_common(stat.Panel()), instant=True)
        panel.graph_mode(common_models.BigValueGraphMode.NONE).color_mode(common_models.BigValueColorMode.BACKGROUND)
        mode = common_models.BigValueTextMode
        panel.text_mode(mode.VALUE_AND_NAME if self.show_name else mode.VALUE)
        panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
        if self.link:
            panel.data_links([_link(self.link)])
        return panel


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSeries(Panel):
    """Time series panel. `maximum` is the soft maximum of the axis; `colours` are by the name of a series."""

    stacked: bool = False
    maximum: float | None = None
    colours: Mapping[str, str] = field(default_factory=dict)
    w: int = 8
    h: int = 8

    def build(self) -> Any:
        """Return the builder; thresholds are drawn as dashed lines."""
        panel = self.add_targets(self.apply_common(timeseries.Panel()))
        legend = common.VizLegendOptions().display_mode(common_models.LegendDisplayMode.LIST)
        panel.legend(legend.placement(common_models.LegendPlacement.BOTTOM).show_legend(True).calcs(["lastNotNull"]))
        tooltip = common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI)
        panel.tooltip(tooltip.sort(common_models.SortOrder.DESCENDING)).line_width(1).span_nulls(False)
        panel.fill_opacity(40 if self.stacked else 8).axis_soft_min(0 if self.unit not in {"dBm", "dB"} else -95)
        panel.show_points(common_models.VisibilityMode.NEVER)
        if self.stacked:
            panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL).group("A"))
        if self.maximum is not None:
            panel.axis_soft_max(self.maximum)
        if self.thresholds:
            style = common_models.GraphTresholdsStyleMode.DASHED
            panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(style))
        for name, colour in self.colours.items():
            fixed = {"mode": "fixed", "fixedColor": colour}
            panel.override_by_name(name, [models.DynamicConfigValue(id_val="color", value=fixed)])
        return panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC))


@dataclass(frozen=True, slots=True, kw_only=True)
class BarGauge(Panel):
    """Bar gauge panel: the latest values as horizontal bars, in the order of the query."""

    maximum: float | None = None

    def build(self) -> Any:
        """Return the builder."""
        panel = self.add_targets(self.apply_common(bargauge.Panel()), instant=True)
        panel.orientation(common_models.VizOrientation.HORIZONTAL).display_mode(common_models.BarGaugeDisplayMode.BASIC)
        panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)).min(0)
        panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
        return panel.max(self.maximum) if self.maximum is not None else panel


@dataclass(frozen=True, slots=True, kw_only=True)
class StateTimeline(Panel):
    """State timeline panel: one band for each series, states shown as text."""

    def build(self) -> Any:
        """Return the builder."""
        panel = self.add_targets(self.apply_common(statetimeline.Panel()))
        panel.merge_values(True).show_value(common_models.VisibilityMode.AUTO).row_height(0.85).fill_opacity(75)
        legend = common.VizLegendOptions().display_mode(common_models.LegendDisplayMode.LIST)
        panel.legend(legend.placement(common_models.LegendPlacement.BOTTOM).show_legend(True))
        return panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Column of a table. `field` is the field of the query (a label, or "Value #B"), `link` the URL of its cells."""

    field: str
    title: str = ""
    unit: str = ""
    thresholds: Thresholds | None = None
    mappings: ValueMappings | None = None
    link: str = ""
    hidden: bool = False
    width: int | None = None

    def properties(self) -> list[models.DynamicConfigValue]:
        """Return the field overrides of the column."""
        overrides: list[tuple[str, object]] = []
        if self.unit:
            overrides.append(("unit", self.unit))
        if self.hidden:
            overrides.append(("custom.hidden", True))
        if self.width is not None:
            overrides.append(("custom.width", self.width))
        if self.thresholds or self.mappings:
            overrides.append(("custom.cellOptions", {"type": "color-text"}))
        if self.thresholds:
            overrides.append(("thresholds", {"mode": "absolute", "steps": self.thresholds.steps()}))
        if self.mappings:
            overrides.append(("mappings", self.mappings.mappings()))
        if self.link:
            overrides.append(("links", [{"title": "Open", "url": self.link, "targetBlank": False}]))
        return [models.DynamicConfigValue(id_val=name, value=value) for name, value in overrides]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Panel):
    """Table panel. The results of all queries are merged on equal labels; labels in `exclude` are not shown."""

    columns: Sequence[Column] = field(default_factory=tuple)
    exclude: tuple[str, ...] = ()
    sort_by: str = ""
    ascending: bool = False
    w: int = 12

    def build(self) -> Any:
        """Return the builder."""
        from grafana_foundation_sdk.builders import table  # noqa: PLC0415 - the name is a parameter of add_targets, too

        panel = self.add_targets(self.apply_common(table.Panel()), instant=True, table=True).show_header(True)
        order = {column.field: index for index, column in enumerate(self.columns)}
        names = {column.field: column.title for column in self.columns if column.title}
        excluded = dict.fromkeys(
            ("Time", "__name__", "job", "instance", "org_id", "org", "map_id", *self.exclude), True
        )
        excluded = {name: True for name in excluded if name not in order}
        organize = {"excludeByName": excluded, "indexByName": order, "renameByName": names}
        panel.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
        panel.with_transformation(models.DataTransformerConfig(id_val="organize", options=organize))
        for column in self.columns:
            if properties := column.properties():
                panel.override_by_name(column.title or column.field, properties)
        if self.sort_by:
            panel.sort_by([common.TableSortByFieldState().display_name(self.sort_by).desc(not self.ascending)])
        return panel


def _link(url: str) -> Any:
    """Return a data link to the URL."""
    return dashboard.DashboardLink("Open").url(url).type(models.DashboardLinkType.LINK)
