"""Site: health, devices, clients and traffic of one or more sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mist_screens import messages
from mist_screens.layout import Dashboard, Row, dashboard_url
from mist_screens.panels import HEALTH, UP, BarGauge, Column, Query, Stat, StateTimeline, Table, Thresholds, TimeSeries

if TYPE_CHECKING:
    from mist_screens.panels import Panel
    from mist_screens.settings import Settings


def dashboard(s: Settings) -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        name="site",
        title="Mist / Site",
        description="Health, devices, clients and traffic of the selected sites. Select the site at the top.",
        rows=(
            Row("Health", _health(s)),
            Row("Devices", _devices(s)),
            Row("Clients and traffic", _clients_and_traffic(s)),
        ),
    )


def _health(s: Settings) -> tuple[Panel, ...]:
    kinds = (("Access points up", "ap"), ("Switches up", "switch"), ("Gateways up", "gateway"))
    return (
        Stat(
            title="Health",
            description="Worst state of the selected sites: healthy, degraded (at least one device down), critical, down (all devices down).",
            queries=(Query("max(site:mist_site_health:state{<in_site>})"),),
            no_value=messages.NO_RULES,
            mappings=HEALTH,
            w=4,
            thresholds=Thresholds(
                "Critical: more than <site_critical_ratio|percent> of the devices are down, or all gateways are.",
                warning=1,
                critical=2,
            ),
        ),
        *(
            Stat(
                title=title,
                description="Share of the devices of this type that are connected to the Mist cloud.",
                queries=(
                    Query(
                        f'sum(site:mist_device_up:sum{{<in_site>, device_type="{kind}"}}) / sum(site:mist_device_up:count{{<in_site>, device_type="{kind}"}})'
                    ),
                ),
                no_value="No device of this type at the site",
                unit="percentunit",
                w=4,
                thresholds=Thresholds(
                    "Yellow below 100%, red below 75%.", warning=1, critical=1 - s.thresholds["site_critical_ratio"]
                ),
            )
            for title, kind in kinds
        ),
        Stat(
            title="Clients",
            description="Connected wireless clients. None during office hours indicates an outage.",
            queries=(Query("sum(site:mist_site_clients:sum{<in_site>})"),),
            no_value=messages.NO_CLIENTS,
            w=4,
        ),
        Stat(
            title="Critical alarms",
            description="Open Mist alarms of severity critical.",
            queries=(Query('sum(site:mist_alarms_open:sum{<in_site>, severity="critical"}) or vector(0)'),),
            no_value=messages.NO_EVENTS,
            w=4,
            thresholds=Thresholds("Red from 1.", critical=1),
        ),
        StateTimeline(
            title="Health by site",
            description="Health state over time. Compare the time of a change with the events below.",
            queries=(Query("topk(12, site:mist_site_health:state{<in_site>})", "{{site}}"),),
            no_value=messages.NO_RULES,
            mappings=HEALTH,
            w=24,
            h=6,
            thresholds=Thresholds("Worst 12 sites.", warning=1, critical=2),
        ),
    )


def _devices(s: Settings) -> tuple[Panel, ...]:
    seen = "time() - max by (org_id, site_id, mac) (mist_device_last_seen_timestamp_seconds{<in_site>})"
    return (
        Table(
            title="Devices",
            description="All devices with state, time since Mist last saw them, and uptime. Devices that are down are listed first.",
            queries=(
                Query(
                    "max by (org_id, site_id, mac, device, device_type, model, version, site) (mist_device_up{<in_site>} * on (<device>, device_type) group_left (device, model, version, site) device:mist_device_info:named{<in_site>})"
                ),
                Query(seen),
                Query("max by (org_id, site_id, mac) (mist_device_uptime_seconds{<in_site>})"),
            ),
            no_value=messages.NO_RULES,
            w=24,
            h=10,
            sort_by="State",
            ascending=True,
            columns=(
                Column(
                    field="device",
                    title="Device",
                    link=dashboard_url("access-points", site="${__data.fields.site_id}", device="${__data.fields.mac}"),
                ),
                Column(field="device_type", title="Type", width=90),
                Column(field="Value #A", title="State", mappings=UP, width=80),
                Column(
                    field="Value #B",
                    title="Time since last seen",
                    unit="dtdurations",
                    thresholds=Thresholds("", warning=180, critical=600),
                    width=140,
                ),
                Column(field="Value #C", title="Uptime", unit="dtdurations", width=140),
                Column(field="model", title="Model"),
                Column(field="version", title="Firmware"),
                Column(field="site", title="Site"),
                Column(field="site_id", hidden=True),
                Column(field="mac", title="MAC"),
            ),
        ),
        TimeSeries(
            title="Top 10 devices by CPU utilization",
            description="CPU utilization of the ten busiest devices.",
            queries=(
                Query(
                    "topk(10, mist_device_cpu_utilization_ratio{<in_site>} * on (<device>) group_left (device) device:mist_device_info:named{<in_site>})",
                    "{{device}}",
                ),
            ),
            no_value=messages.NOT_STREAMED,
            unit="percentunit",
            maximum=1,
            w=12,
            thresholds=Thresholds(
                "Dashed: <cpu_ratio|percent>; a device that stays above it drops packets or management requests.",
                critical=s.thresholds["cpu_ratio"],
            ),
        ),
        TimeSeries(
            title="Top 10 devices by memory utilization",
            description="Memory utilization. A steady rise over days indicates a memory leak.",
            queries=(
                Query(
                    "topk(10, mist_device_memory_utilization_ratio{<in_site>} * on (<device>) group_left (device) device:mist_device_info:named{<in_site>})",
                    "{{device}}",
                ),
            ),
            no_value=messages.NOT_STREAMED,
            unit="percentunit",
            maximum=1,
            w=12,
            thresholds=Thresholds("Dashed: <memory_ratio|percent>.", critical=s.thresholds["memory_ratio"]),
        ),
    )


def _clients_and_traffic(s: Settings) -> tuple[Panel, ...]:
    return (
        TimeSeries(
            title="Clients by band",
            description="Connected wireless clients by band. None during office hours indicates an outage.",
            queries=(Query("sum by (band) (site:mist_site_clients:sum{<in_site>})", "{{band}} GHz"),),
            no_value=messages.NO_CLIENTS,
            stacked=True,
        ),
        BarGauge(
            title="Service levels",
            description="Mist service levels (SLE): share of user minutes that met the service level, in the latest period.",
            queries=(Query("sort(min by (sle) (mist_site_sle_ratio{<in_site>}))", "{{sle}}"),),
            no_value="No data: the webhook topic site-sle is not configured in Mist, or not received yet (sent hourly)",
            unit="percentunit",
            maximum=1,
            thresholds=Thresholds(
                "Red below <connect_ratio|percent>.",
                warning=0.9,
                critical=s.thresholds["connect_ratio"],
            ),
        ),
        TimeSeries(
            title="Wi-Fi traffic",
            description="Throughput of all radios. None during office hours indicates an outage.",
            queries=(
                Query("8 * sum(site:mist_ap_radio_transmit_bytes:rate{<in_site>})", "to clients"),
                Query("8 * sum(site:mist_ap_radio_receive_bytes:rate{<in_site>})", "from clients"),
            ),
            no_value=messages.NO_RULES,
            unit="bps",
        ),
        TimeSeries(
            title="WAN traffic",
            description="Throughput of the gateways' WAN links. A flat top means that a link is saturated.",
            queries=(
                Query("8 * sum(site:mist_gateway_wan_receive_bytes:rate{<in_site>})", "from the WAN"),
                Query("8 * sum(site:mist_gateway_wan_transmit_bytes:rate{<in_site>})", "to the WAN"),
            ),
            no_value=messages.NOT_STREAMED,
            unit="bps",
        ),
        TimeSeries(
            title="Channel utilization (p90)",
            description="90th percentile of radio channel utilization, by band.",
            queries=(Query("max by (band) (site:mist_ap_radio_utilization_ratio:p90{<in_site>})", "{{band}} GHz"),),
            no_value=messages.NO_RULES,
            unit="percentunit",
            maximum=1,
            thresholds=Thresholds(
                "Dashed: <radio_busy_ratio|percent> and <radio_saturated_ratio|percent>.",
                warning=s.thresholds["radio_busy_ratio"],
                critical=s.thresholds["radio_saturated_ratio"],
            ),
        ),
        TimeSeries(
            title="Top 8 device events, last 1 h",
            description="Device events by type, counted over the previous hour. Many events of one type usually have one cause.",
            queries=(
                Query(
                    'topk(8, sum by (type) (site:mist_webhook_events:increase{<in_site>, topic="device-events"}))',
                    "{{type}}",
                ),
            ),
            no_value=messages.NO_EVENTS,
        ),
    )
