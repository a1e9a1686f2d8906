"""Location: zone occupancy, enters and exits, dwell time, position quality, assets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mist_screens import messages
from mist_screens.layout import SITE_LINK, Dashboard, Row
from mist_screens.panels import BarGauge, Column, Query, Stat, Table, Thresholds, TimeSeries

if TYPE_CHECKING:
    from mist_screens.panels import Panel
    from mist_screens.settings import Settings

_NAMED = "* on (<zone>) group_left (zone, site) zone:mist_zone_info:named{<in_site>}"
_NO_ZONES = "No data: no zones, or positions are disabled (streams.location with polls.maps, or polls.zones)"
_NO_POSITIONS = "No data: no positions received, or position streams are disabled (streams.location)"


def dashboard(s: Settings) -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        name="location",
        title="Mist / Location",
        description="Zone occupancy against the limits, enters and exits, dwell time, assets. Aggregates only, no individual person.",
        rows=(
            Row("Overview", _overview(s)),
            Row("Zones", _zones(s)),
            Row("Floors", _floors()),
            Row("Assets", _assets()),
        ),
    )


def _occupancy_thresholds(s: Settings) -> Thresholds:
    return Thresholds(
        "Yellow from 80% of the limit, red at the limit.", warning=0.8, critical=s.thresholds["zone_ratio"]
    )


def _overview(s: Settings) -> tuple[Panel, ...]:
    return (
        Stat(
            title="Zone occupants",
            description="Occupants of all zones: connected clients and SDK clients.",
            queries=(Query("sum(zone:mist_zone_occupants:sum{<in_site>})"),),
            no_value=_NO_ZONES,
            w=6,
        ),
        Stat(
            title="Zones over limit",
            description="Zones with more occupants than their limit.",
            queries=(Query("count(zone:mist_zone_occupants:ratio{<in_site>} > <zone_ratio>) or vector(0)"),),
            no_value=_NO_ZONES,
            w=6,
            thresholds=Thresholds("Red from 1.", critical=1),
        ),
        Stat(
            title="Highest zone occupancy",
            description="Highest share of the occupancy limit of any zone.",
            queries=(Query("max(zone:mist_zone_occupants:ratio{<in_site>})"),),
            no_value=_NO_ZONES,
            unit="percentunit",
            w=6,
            thresholds=_occupancy_thresholds(s),
        ),
        Stat(
            title="Occupancy alerts",
            description="Zones whose latest occupancy alert reports a violation of the limit.",
            queries=(Query('sum(mist_zone_occupancy_alert_state{<in_site>, state="violation"}) or vector(0)'),),
            no_value=messages.NO_EVENTS,
            w=6,
            thresholds=Thresholds("Red from 1.", critical=1),
        ),
    )


def _zones(s: Settings) -> tuple[Panel, ...]:
    return (
        BarGauge(
            title="Top 15 zones by occupancy",
            description="Occupants in percent of the limit, by zone.",
            queries=(Query("topk(15, zone:mist_zone_occupants:ratio{<in_site>})", "{{site}}: {{zone}}"),),
            no_value=_NO_ZONES,
            unit="percentunit",
            thresholds=_occupancy_thresholds(s),
            w=12,
            h=9,
        ),
        TimeSeries(
            title="Top 10 zones by occupants",
            description="Occupants over time, by zone. A zone that is never empty contains stationary devices.",
            queries=(Query("topk(10, zone:mist_zone_occupants:sum{<in_site>})", "{{site}}: {{zone}}"),),
            no_value=_NO_ZONES,
            w=12,
            h=9,
        ),
        Table(
            title="All zones",
            description="Occupants, limit, occupancy and mean wait time, by zone.",
            queries=(
                Query("zone:mist_zone_occupants:sum{<in_site>}"),
                Query("mist_zone_occupancy_limit{<in_site>}"),
                Query("zone:mist_zone_occupants:ratio{<in_site>}"),
                Query('max by (<zone>) (mist_zone_wait_seconds{<in_site>, kind="client", statistic="average"})'),
            ),
            no_value=_NO_ZONES,
            w=24,
            h=9,
            sort_by="Occupancy",
            exclude=("zone_id",),
            columns=(
                Column(field="site", title="Site", link=SITE_LINK),
                Column(field="zone", title="Zone"),
                Column(field="Value #A", title="Occupants"),
                Column(field="Value #B", title="Limit"),
                Column(field="Value #C", title="Occupancy", unit="percentunit", thresholds=_occupancy_thresholds(s)),
                Column(field="Value #D", title="Mean wait time", unit="dtdurations"),
                Column(field="site_id", hidden=True),
            ),
        ),
        TimeSeries(
            title="Zone enters and exits (webhooks)",
            description="Zone enter and exit events per second. A rate far above the number of occupants indicates a client at a zone border.",
            queries=(
                Query("sum by (trigger) (rate(mist_zone_crossings_total{<in_site>}[$__rate_interval]))", "{{trigger}}"),
            ),
            no_value=messages.NO_EVENTS,
            unit="ops",
            w=12,
        ),
        TimeSeries(
            title="Top 10 zones by mean wait time",
            description="Mean wait time of clients, by zone, as reported by Mist.",
            queries=(
                Query(
                    f'topk(10, mist_zone_wait_seconds{{<in_site>, kind="client", statistic="average"}} {_NAMED})',
                    "{{site}}: {{zone}}",
                ),
            ),
            no_value=_NO_ZONES,
            unit="s",
            w=12,
        ),
    )


def _floors() -> tuple[Panel, ...]:
    clients = 'kind=~"client|sdkclient"'
    age_p95 = "histogram_quantile(0.95, sum by (kind, le) (rate(mist_map_position_age_seconds_bucket{<in_site>}[$__rate_interval])))"
    positions = 'sum(rate(mist_map_locating_aps_bucket{<in_site>, le=~"%s"}[$__rate_interval]))'
    return (
        BarGauge(
            title="Top 12 floors by clients",
            description="Located clients and SDK clients, by floor. An empty floor during office hours points to missing positions.",
            queries=(
                Query(
                    f"topk(12, sum by (site, floor) (map:mist_map_entities:named{{<in_site>, {clients}}}))",
                    "{{site}}: {{floor}}",
                ),
            ),
            no_value=_NO_POSITIONS,
        ),
        TimeSeries(
            title="Located objects by kind",
            description="Located clients, SDK clients, assets and unconnected devices.",
            queries=(Query("sum by (kind) (map:mist_map_entities:named{<in_site>})", "{{kind}}"),),
            no_value=_NO_POSITIONS,
            stacked=True,
        ),
        TimeSeries(
            title="Dwell time in zones",
            description="Dwell time of clients that left a zone: median and 90th percentile. Seconds indicate clients that pass through.",
            queries=tuple(
                Query(
                    f"histogram_quantile({quantile}, sum by (le) (rate(mist_zone_dwell_seconds_bucket{{<in_site>, {clients}}}[$__rate_interval])))",
                    name,
                )
                for quantile, name in ((0.5, "median"), (0.9, "p90"))
            ),
            no_value=_NO_POSITIONS,
            unit="s",
        ),
        TimeSeries(
            title="Zone enters and exits (positions)",
            description="Zone enters and exits per second, computed from positions.",
            queries=(
                Query(f"sum(rate(mist_zone_enters_total{{<in_site>, {clients}}}[$__rate_interval]))", "enter"),
                Query(f"sum(rate(mist_zone_exits_total{{<in_site>, {clients}}}[$__rate_interval]))", "exit"),
            ),
            no_value=_NO_POSITIONS,
            unit="ops",
        ),
        TimeSeries(
            title="Position age (p95)",
            description="95th percentile of the age of positions on arrival.",
            queries=(Query(age_p95, "{{kind}}"),),
            no_value="No data: only positions from webhooks (location topics) have a timestamp",
            unit="s",
            thresholds=Thresholds("Dashed: 60 s.", critical=60),
        ),
        TimeSeries(
            title="Low-confidence positions",
            description="Share of positions located by fewer than three access points.",
            queries=(Query(f"{positions % '2([.]0)?'} / ({positions % '[+]Inf'} > 0)", "low confidence"),),
            no_value=_NO_POSITIONS,
            unit="percentunit",
            maximum=1,
            thresholds=Thresholds(
                "Dashed: 25%; check the access point density of the floor and the access point locations on the map.",
                critical=0.25,
            ),
        ),
    )


def _assets() -> tuple[Panel, ...]:
    no_assets = "No data: no asset, or assets are not polled (polls.assets)"
    return (
        TimeSeries(
            title="Asset observations",
            description="Observations of assets per second, one for each asset and poll, over all sites. A drop points to empty batteries or disabled BLE.",
            queries=(Query("sum(org:mist_site_asset_observations:rate{<in_org>})", "observations"),),
            no_value=no_assets,
            unit="ops",
        ),
        TimeSeries(
            title="Asset RSSI, median",
            description="Median RSSI of the assets at their nearest access point, by organisation.",
            queries=(Query("bottomk(5, org:mist_site_asset_rssi_dbm:p50{<in_org>})", "{{org}}"),),
            no_value=no_assets,
            unit="dBm",
        ),
        TimeSeries(
            title="Asset battery, 10th percentile",
            description="10th percentile of the battery level: 90% of the assets are above it.",
            queries=(Query("bottomk(5, org:mist_site_asset_battery_ratio:p10{<in_org>})", "{{org}}"),),
            no_value=no_assets,
            unit="percentunit",
            maximum=1,
            thresholds=Thresholds("Dashed: 20%, replace batteries.", warning=0.3, critical=0.2),
        ),
    )
