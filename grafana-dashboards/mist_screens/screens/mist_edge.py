"""Mist Edge: tunnels, services, load and ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mist_screens import messages
from mist_screens.layout import Dashboard, Row
from mist_screens.panels import RED, UP, BarGauge, Column, Query, Stat, Table, Thresholds, TimeSeries, ValueMappings

if TYPE_CHECKING:
    from mist_screens.panels import Panel
    from mist_screens.settings import Settings

# Most Mist Edges belong to no site: there is no site variable.
_SEL = 'job=~"$job", instance=~"$instance", org_id=~"$org", mac=~"$device"'
_NAMED = f"* on (<device>) group_left (device, site) device:mist_device_info:named{{{_SEL}}}"
_UP = f'mist_device_up{{{_SEL}, device_type="mxedge"}}'


def dashboard(s: Settings) -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        name="mist-edge",
        title="Mist / Mist Edge",
        description="Tunnels, services, load and ports of the Mist Edges.",
        variables=("org", "device"),
        device_type="mxedge",
        rows=(
            Row("Overview", _overview()),
            Row("Tunnels and services", _services()),
            Row("Load and ports", _load(s)),
        ),
    )


def _overview() -> tuple[Panel, ...]:
    return (
        Stat(
            title="Mist Edges up",
            description="Share of the Mist Edges that are connected to the Mist cloud.",
            queries=(Query(f"sum({_UP}) / count({_UP})"),),
            no_value=messages.NOT_STREAMED,
            unit="percentunit",
            w=6,
            thresholds=Thresholds("Red below 100%: tunnels have failed over, or are down.", warning=1, critical=0.999),
        ),
        Stat(
            title="Tunnels",
            description="Tunnels that terminate on the Mist Edges. A drop means that access points lost their tunnel.",
            queries=(Query(f"sum(mist_mxedge_tunnels{{{_SEL}}})"),),
            no_value=messages.NOT_STREAMED,
            w=6,
        ),
        Stat(
            title="Services not running",
            description="Services that are stopped or failed.",
            queries=(Query(f'sum(mist_mxedge_service_state{{{_SEL}, state=~"stopped|failed"}}) or vector(0)'),),
            no_value=messages.NOT_STREAMED,
            w=6,
            thresholds=Thresholds("Red from 1: the tunnels depend on the services.", critical=1),
        ),
        Stat(
            title="Ports down",
            description="Tunnel ports without a link.",
            queries=(Query(f"count(mist_mxedge_port_up{{{_SEL}}} == 0) or vector(0)"),),
            no_value=messages.NOT_STREAMED,
            w=6,
            thresholds=Thresholds("Yellow from 1: the LAG has less capacity.", warning=1),
        ),
    )


def _services() -> tuple[Panel, ...]:
    running = ValueMappings({0: ("DOWN", RED), 1: ("running", "green")})
    return (
        TimeSeries(
            title="Tunnels by Mist Edge",
            description="Tunnels by Mist Edge. A decrease on one with an increase on another is a failover; a decrease on all points to the network in front of them.",
            queries=(Query(f"mist_mxedge_tunnels{{{_SEL}}} {_NAMED}", "{{device}}"),),
            no_value=messages.NOT_STREAMED,
            w=12,
            stacked=True,
        ),
        Table(
            title="Services",
            description="State of each service: tunterm terminates tunnels, mxagent is the management agent, radsecproxy proxies RADIUS.",
            queries=(
                Query(f'mist_mxedge_service_state{{{_SEL}, state="running"}} {_NAMED}'),
                Query(f"mist_mxedge_service_uptime_seconds{{{_SEL}}}"),
            ),
            no_value=messages.NOT_STREAMED,
            w=12,
            sort_by="State",
            ascending=True,
            exclude=("state", "mac", "site_id"),
            columns=(
                Column(field="device", title="Mist Edge"),
                Column(field="service", title="Service"),
                Column(field="Value #A", title="State", mappings=running),
                Column(field="Value #B", title="Uptime", unit="dtdurations"),
                Column(field="site", title="Site"),
            ),
        ),
        BarGauge(
            title="Tunnels by state",
            description="Tunnels as listed by REST, by state. In any state other than established the access point has no tunnel.",
            queries=(
                Query(
                    'sort_desc(sum by (state) (mist_mxtunnel_state{job=~"$job", instance=~"$instance", org_id=~"$org"}) > 0)',
                    "{{state}}",
                ),
            ),
            no_value=messages.NOT_POLLED,
            w=12,
        ),
        TimeSeries(
            title="Mist Edge events",
            description="Events of the Mist Edges in each interval, by type.",
            queries=(
                Query(
                    'sum by (type) (increase(mist_mxedge_events_total{job=~"$job", instance=~"$instance", org_id=~"$org"}[$__rate_interval]))',
                    "{{type}}",
                ),
            ),
            no_value=messages.NO_EVENTS,
            w=12,
        ),
    )


def _load(s: Settings) -> tuple[Panel, ...]:
    return (
        TimeSeries(
            title="CPU utilization",
            description="CPU utilization by Mist Edge.",
            queries=(
                Query(f'mist_device_cpu_utilization_ratio{{{_SEL}, device_type="mxedge"}} {_NAMED}', "{{device}}"),
            ),
            no_value=messages.NOT_STREAMED,
            unit="percentunit",
            maximum=1,
            thresholds=Thresholds("Dashed: <cpu_ratio|percent>.", critical=s.thresholds["cpu_ratio"]),
        ),
        TimeSeries(
            title="Top 5 CPU cores by utilization",
            description="Utilization by core. A single saturated core limits the tunnels that it forwards.",
            queries=(Query(f"topk(5, mist_mxedge_core_utilization_ratio{{{_SEL}}} {_NAMED})", "{{device}} {{cpu}}"),),
            no_value=messages.NOT_STREAMED,
            unit="percentunit",
            maximum=1,
        ),
        TimeSeries(
            title="Memory utilization",
            description="Memory utilization by Mist Edge.",
            queries=(
                Query(f'mist_device_memory_utilization_ratio{{{_SEL}, device_type="mxedge"}} {_NAMED}', "{{device}}"),
            ),
            no_value=messages.NOT_STREAMED,
            unit="percentunit",
            maximum=1,
            thresholds=Thresholds("Dashed: <memory_ratio|percent>.", critical=s.thresholds["memory_ratio"]),
        ),
        TimeSeries(
            title="Received traffic by port",
            description="Received throughput of the tunnel ports. A large difference between ports of a LAG indicates hashing or a faulty link.",
            queries=(
                Query(
                    f"8 * sum by (<device>, port) (rate(mist_mxedge_port_receive_bytes_total{{{_SEL}}}[$__rate_interval])) {_NAMED}",
                    "{{device}} {{port}}",
                ),
            ),
            no_value=messages.NOT_STREAMED,
            unit="bps",
            w=12,
        ),
        Table(
            title="Ports",
            description="All tunnel ports with state, speed and utilization. Ports that are down are listed first.",
            queries=(
                Query(f"mist_mxedge_port_up{{{_SEL}}} {_NAMED}"),
                Query(f"8 * mist_mxedge_port_speed_bytes_per_second{{{_SEL}}}"),
                *(
                    Query(
                        f"rate(mist_mxedge_port_{direction}_bytes_total{{{_SEL}}}[$__rate_interval]) / on (<device>, port) (mist_mxedge_port_speed_bytes_per_second{{{_SEL}}} > 0)"
                    )
                    for direction in ("receive", "transmit")
                ),
            ),
            no_value=messages.NOT_STREAMED,
            w=12,
            sort_by="State",
            ascending=True,
            exclude=("mac", "site_id"),
            columns=(
                Column(field="device", title="Mist Edge"),
                Column(field="port", title="Port"),
                Column(field="Value #A", title="State", mappings=UP),
                Column(field="Value #B", title="Speed", unit="bps"),
                Column(field="Value #C", title="Received, % of speed", unit="percentunit"),
                Column(field="Value #D", title="Sent, % of speed", unit="percentunit"),
                Column(field="site", title="Site"),
            ),
        ),
    )
