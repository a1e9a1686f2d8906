"""Panels as the dashboards of this family use them, on top of Grafana's foundation SDK.

A panel is said in one call: what it is called, what is bad about what it shows, its queries, unit, thresholds. Size is
in units of Grafana's grid of 24 columns. Places are given by `layout.py`.
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
    """A PromQL expression with <words>, and the legend of its series."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Steps:
    """Where a value begins to be bad, and why there: `yellow` and `red`; falling ones are bad below."""

    why: str
    yellow: float | None = None
    red: float | None = None

    @property
    def falling(self) -> bool:
        """Whether smaller is worse."""
        return self.yellow is not None and self.red is not None and self.red < self.yellow

    def thresholds(self) -> list[models.Threshold]:
        """As Grafana has them: each colour from a value upwards."""
        if self.falling:
            return [
                models.Threshold(None, RED),
                models.Threshold(self.red, YELLOW),
                models.Threshold(self.yellow, GREEN),
            ]
        steps = [models.Threshold(None, GREEN)]
        steps += [
            models.Threshold(value, colour)
            for value, colour in ((self.yellow, YELLOW), (self.red, RED))
            if value is not None
        ]
        return steps


@dataclass(frozen=True, slots=True)
class Words:
    """Values that are said as words, so that colour is never the only sign."""

    by_value: Mapping[int, tuple[str, str]]

    def mappings(self) -> list[models.ValueMapping]:
        """As Grafana has them."""
        options = {
            str(value): models.ValueMappingResult(text=text, color=colour, index=index)
            for index, (value, (text, colour)) in enumerate(self.by_value.items())
        }
        return [models.ValueMap(options=options)]


UP = Words({0: ("DOWN", RED), 1: ("up", GREEN)})
YES = Words({0: ("no", GREEN), 1: ("YES", RED)})
HEALTH = Words({0: ("well", GREEN), 1: ("degraded", YELLOW), 2: ("BAD", ORANGE), 3: ("DARK", RED)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What all kinds of panels have. `says` is the description: what it shows, and what is bad."""

    title: str
    says: str
    queries: tuple[Query, ...]
    empty: str
    unit: str = "short"
    steps: Steps | None = None
    words: Words | None = None
    w: int = 8
    h: int = 8
    decimals: int | None = None

    def build(self) -> Any:
        """Return the SDK's builder of the panel, without a place."""
        raise NotImplementedError

    def described(self) -> str:
        """The description with what the thresholds mean."""
        return f"{self.says} {self.steps.why}" if self.steps else self.says

    def common(self, panel: Any) -> Any:
        """Say what every kind of panel says; `Any`: the SDK's builders share these methods, but no base class."""
        panel.title(self.title).description(self.described()).datasource(DATASOURCE)
        panel.span(self.w).height(self.h).unit(self.unit).no_value(self.empty)
        thresholds = self.steps.thresholds() if self.steps else [models.Threshold(None, BLUE)]
        panel.thresholds(dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(thresholds))
        if self.words:
            panel.mappings(self.words.mappings())
        if self.decimals is not None:
            panel.decimals(self.decimals)
        return panel

    def targets(self, panel: Any, *, instant: bool = False, table: bool = False) -> Any:
        """Add the queries as A, B, C..."""
        for query, ref_id in zip(self.queries, "ABCDEFGHIJKL", strict=False):
            target = prometheus.Dataquery().expr(" ".join(query.expr.split())).ref_id(ref_id).datasource(DATASOURCE)
            target.legend_format(query.legend or "__auto")
            target.format(PromQueryFormat.TABLE if table else PromQueryFormat.TIME_SERIES)
            panel.with_target(target.instant() if instant else target.range())
        return panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat(Panel):
    """One or a few large numbers, the latest."""

    w: int = 4
    h: int = 4
    link: str = ""
    named: bool = False

    def build(self) -> Any:
        """Return the builder; `named` shows the legend beside each value."""
        panel = self.targets(self.common(stat.Panel()), instant=True)
        panel.graph_mode(common_models.BigValueGraphMode.NONE).color_mode(common_models.BigValueColorMode.BACKGROUND)
        mode = common_models.BigValueTextMode
        panel.text_mode(mode.VALUE_AND_NAME if self.named else mode.VALUE)
        panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
        if self.link:
            panel.data_links([_link(self.link)])
        return panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines(Panel):
    """Values over time. `stacked` fills and adds them up; `top` bounds the axis; `colours` are by a series' name."""

    stacked: bool = False
    top: float | None = None
    colours: Mapping[str, str] = field(default_factory=dict)
    w: int = 8
    h: int = 8

    def build(self) -> Any:
        """Return the builder; thresholds are drawn as dashed lines."""
        panel = self.targets(self.common(timeseries.Panel()))
        legend = common.VizLegendOptions().display_mode(common_models.LegendDisplayMode.LIST)
        panel.legend(legend.placement(common_models.LegendPlacement.BOTTOM).show_legend(True).calcs(["lastNotNull"]))
        tooltip = common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI)
        panel.tooltip(tooltip.sort(common_models.SortOrder.DESCENDING)).line_width(1).span_nulls(False)
        panel.fill_opacity(40 if self.stacked else 8).axis_soft_min(0 if self.unit not in {"dBm", "dB"} else -95)
        panel.show_points(common_models.VisibilityMode.NEVER)
        if self.stacked:
            panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL).group("A"))
        if self.top is not None:
            panel.axis_soft_max(self.top)
        if self.steps:
            style = common_models.GraphTresholdsStyleMode.DASHED
            panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(style))
        for name, colour in self.colours.items():
            fixed = {"mode": "fixed", "fixedColor": colour}
            panel.override_by_name(name, [models.DynamicConfigValue(id_val="color", value=fixed)])
        return panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars(Panel):
    """The latest values as bars with their numbers, the largest first where the query sorts them."""

    top: float | None = None

    def build(self) -> Any:
        """Return the builder."""
        panel = self.targets(self.common(bargauge.Panel()), instant=True)
        panel.orientation(common_models.VizOrientation.HORIZONTAL).display_mode(common_models.BarGaugeDisplayMode.BASIC)
        panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)).min(0)
        panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
        return panel.max(self.top) if self.top is not None else panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline(Panel):
    """States over time, one band a thing, each state said as a word."""

    def build(self) -> Any:
        """Return the builder."""
        panel = self.targets(self.common(statetimeline.Panel()))
        panel.merge_values(True).show_value(common_models.VisibilityMode.AUTO).row_height(0.85).fill_opacity(75)
        legend = common.VizLegendOptions().display_mode(common_models.LegendDisplayMode.LIST)
        panel.legend(legend.placement(common_models.LegendPlacement.BOTTOM).show_legend(True))
        return panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table: `field` as the query names it (a label, or "Value #B"); `link` is where a click leads."""

    field: str
    title: str = ""
    unit: str = ""
    steps: Steps | None = None
    words: Words | None = None
    link: str = ""
    hidden: bool = False
    width: int | None = None

    def properties(self) -> list[models.DynamicConfigValue]:
        """What differs from the other columns, as overrides."""
        said: list[tuple[str, object]] = []
        if self.unit:
            said.append(("unit", self.unit))
        if self.hidden:
            said.append(("custom.hidden", True))
        if self.width is not None:
            said.append(("custom.width", self.width))
        if self.steps or self.words:
            said.append(("custom.cellOptions", {"type": "color-text"}))
        if self.steps:
            said.append(("thresholds", {"mode": "absolute", "steps": self.steps.thresholds()}))
        if self.words:
            said.append(("mappings", self.words.mappings()))
        if self.link:
            said.append(("links", [{"title": "Open", "url": self.link, "targetBlank": False}]))
        return [models.DynamicConfigValue(id_val=name, value=value) for name, value in said]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Panel):
    """Rows that several queries fill: joined where their labels are equal. Labels that have no column are left out."""

    columns: Sequence[Column] = field(default_factory=tuple)
    drops: tuple[str, ...] = ()
    sort: str = ""
    ascending: bool = False
    w: int = 12

    def build(self) -> Any:
        """Return the builder."""
        from grafana_foundation_sdk.builders import table  # noqa: PLC0415 - the name is this module's word, too

        panel = self.targets(self.common(table.Panel()), instant=True, table=True).show_header(True)
        order = {column.field: place for place, column in enumerate(self.columns)}
        names = {column.field: column.title for column in self.columns if column.title}
        left_out = dict.fromkeys(("Time", "__name__", "job", "instance", "org_id", "org", "map_id", *self.drops), True)
        left_out = {name: True for name in left_out if name not in order}
        organize = {"excludeByName": left_out, "indexByName": order, "renameByName": names}
        panel.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
        panel.with_transformation(models.DataTransformerConfig(id_val="organize", options=organize))
        for column in self.columns:
            if properties := column.properties():
                panel.override_by_name(column.title or column.field, properties)
        if self.sort:
            panel.sort_by([common.TableSortByFieldState().display_name(self.sort).desc(not self.ascending)])
        return panel


def _link(url: str) -> Any:
    """A link that a click on a value follows."""
    return dashboard.DashboardLink("Open").url(url).type(models.DashboardLinkType.LINK)
