"""NOC wall: health of all sites at a glance, and where the problems are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mist_screens import messages
from mist_screens.layout import SITE_LINK, Dashboard, Row, dashboard_url
from mist_screens.panels import BLUE, HEALTH, ORANGE, RED, YELLOW, Column, Query, Stat, Table, Thresholds, TimeSeries

if TYPE_CHECKING:
    from mist_screens.settings import Settings

_ALERT = 'ALERTS{alertstate="firing", alertname=~"Mist.+"'


def dashboard(s: Settings) -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        name="wall",
        title="Mist / NOC wall",
        description="Health of all sites: counts by state first, then the affected sites and firing alerts. Made for a wall display.",
        variables=("org",),
        time_from="now-3h",
        rows=(
            Row("Current state", _summary(s)),
            Row("Alerts and affected sites", _problems(s)),
            Row("Trends", _trends(s)),
        ),
    )


def _count(
    title: str,
    description: str,
    expr: str,
    note: str,
    *,
    warning: float | None = None,
    critical: float | None = None,
    w: int = 3,
) -> Stat:
    return Stat(
        title=title,
        description=description,
        queries=(Query(expr),),
        no_value=messages.NO_RULES,
        w=w,
        h=5,
        thresholds=Thresholds(note, warning=warning, critical=critical),
        link=dashboard_url("site"),
    )


def _sites(state: str) -> str:
    return f'sum(org:mist_site_health:count{{<in_org>, state="{state}"}})'


def _down(kind: str) -> str:
    both = 'sum(org:mist_device_up:{what}{{<in_org>, device_type=~"{kind}"}})'
    return f"{both.format(what='count', kind=kind)} - {both.format(what='sum', kind=kind)}"


def _summary(s: Settings) -> tuple[Stat, ...]:
    stale_s = s.thresholds["stream_silent_seconds"]
    return (
        _count(
            "Sites down",
            "Sites with all devices disconnected.",
            _sites("down"),
            "Red from 1.",
            critical=1,
        ),
        _count(
            "Sites critical",
            "Sites with more than <site_critical_ratio|percent> of their devices down, or with all gateways down.",
            _sites("critical"),
            "Yellow from 1.",
            warning=1,
        ),
        _count(
            "Sites degraded",
            "Sites with at least one device down, up to <site_critical_ratio|percent> of their devices.",
            _sites("degraded"),
            "Yellow from 1. In a large fleet a single AP is usually down somewhere.",
            warning=1,
        ),
        _count(
            "Sites healthy",
            "Sites with all devices up. Down, critical, degraded and healthy add up to all sites that have devices.",
            _sites("healthy"),
            "No thresholds.",
        ),
        _count(
            "Gateways down",
            "Gateways that are disconnected from the Mist cloud.",
            _down("gateway"),
            "Red from 1: the site may have no WAN access.",
            critical=1,
        ),
        _count(
            "Switches down",
            "Switches that are disconnected from the Mist cloud.",
            _down("switch"),
            "Red from 1: devices behind the switch are down, too.",
            critical=1,
        ),
        _count(
            "APs down",
            "Access points that are disconnected from the Mist cloud.",
            _down("ap"),
            "Yellow from 1, red from 10.",
            warning=1,
            critical=10,
            w=2,
        ),
        Stat(
            title="Time since last message",
            description="Longest time since the last message on any WebSocket connection. If it is high, all values on this dashboard are stale.",
            queries=(Query("max(connection:mist_collector_silence:seconds{<in_collector>})"),),
            no_value="No data: the collector is not scraped, or no connection was ever open",
            unit="s",
            w=4,
            h=5,
            decimals=0,
            thresholds=Thresholds(
                f"Devices report about every 30 s; red from {stale_s:g} s: the stream is stale.",
                warning=stale_s / 2,
                critical=stale_s,
            ),
            link=dashboard_url("collector"),
        ),
    )


def _problems(s: Settings) -> tuple[Table, ...]:
    return (
        Table(
            title="Firing alerts",
            description="Alerts that fire now, without those about the collector. Inhibition by Alertmanager is not applied. Click a site to open its dashboard.",
            queries=(
                Query(
                    f'sum by (severity, alertname, org_id, site_id, site, device) ({_ALERT}, scope!="collector", org_id=~"$org|"}})'
                ),
            ),
            no_value=messages.NO_PROBLEM,
            w=13,
            h=11,
            exclude=("Value",),
            sort_by="Severity",
            ascending=True,
            columns=(
                Column(field="severity", title="Severity", width=90),
                Column(field="alertname", title="Alert", width=230),
                Column(field="site", title="Site", link=SITE_LINK),
                Column(field="device", title="Device"),
                Column(field="site_id", hidden=True),
            ),
        ),
        Table(
            title="Affected sites",
            description="Sites that are not healthy: health state and share of devices up. Click a site to open its dashboard.",
            queries=(
                Query("topk(50, site:mist_site_health:state{<in_org>} > 0)"),
                Query('bottomk(50, site:mist_device_up:ratio{<in_org>, site!="(no site)"} < 1)'),
            ),
            no_value=messages.NO_PROBLEM,
            w=11,
            h=11,
            sort_by="Health",
            columns=(
                Column(field="site", title="Site", link=SITE_LINK),
                Column(field="Value #A", title="Health", mappings=HEALTH, width=110),
                Column(
                    field="Value #B",
                    title="Devices up",
                    unit="percentunit",
                    width=110,
                    thresholds=Thresholds("", warning=1, critical=1 - s.thresholds["site_critical_ratio"]),
                ),
                Column(field="org", title="Organisation"),
                Column(field="site_id", hidden=True),
            ),
        ),
    )


def _trends(s: Settings) -> tuple[TimeSeries | Table, ...]:
    return (
        TimeSeries(
            title="Affected sites by state",
            description="Number of sites that are down, critical or degraded. A step is an outage, a slope a spreading fault.",
            queries=tuple(Query(_sites(state), state) for state in ("down", "critical", "degraded")),
            no_value=messages.NO_RULES,
            stacked=True,
            colours={"down": RED, "critical": ORANGE, "degraded": YELLOW},
            decimals=0,
        ),
        Table(
            title="Disconnects and failures, last 1 h",
            description="Disconnect and failure events of the last hour, by site and type. Many events of one type at one site usually have one cause.",
            queries=(
                Query(
                    'topk(25, round(sum by (org_id, site_id, site, type) (site:mist_webhook_events:increase{<in_org>, type=~".+_DISCONNECTED|.+_down|.+_failure"})))'
                ),
            ),
            no_value=messages.NO_EVENTS,
            w=8,
            sort_by="Count",
            columns=(
                Column(field="site", title="Site", link=SITE_LINK),
                Column(field="type", title="Event type"),
                Column(field="Value", title="Count", width=80),
                Column(field="site_id", hidden=True),
            ),
        ),
        TimeSeries(
            title="Clients",
            description="Connected wireless clients by band. A sudden drop without a device down is an outage upstream.",
            queries=(Query("sum by (band) (site:mist_site_clients:sum{<in_org>})", "{{band}} GHz"),),
            no_value=messages.NO_CLIENTS,
            stacked=True,
        ),
        TimeSeries(
            title="Top 5 sites by channel utilization",
            description="90th percentile of radio channel utilization, by site and band.",
            queries=(
                Query(
                    "topk(5, max by (site, band) (site:mist_ap_radio_utilization_ratio:p90{<in_org>}))",
                    "{{site}} {{band}} GHz",
                ),
            ),
            no_value=messages.NO_RULES,
            unit="percentunit",
            maximum=1,
            thresholds=Thresholds(
                "Dashed: <radio_busy_ratio|percent> and <radio_saturated_ratio|percent>; latency rises steeply above the second.",
                warning=s.thresholds["radio_busy_ratio"],
                critical=s.thresholds["radio_saturated_ratio"],
            ),
        ),
        TimeSeries(
            title="Open Mist alarms",
            description="Mist alarms that are neither resolved nor acknowledged, by severity. Critical alarms require operator action.",
            queries=(Query("sum by (severity) (site:mist_alarms_open:sum{<in_org>})", "{{severity}}"),),
            no_value=messages.NO_ALARMS,
            stacked=True,
            colours={"critical": RED, "warn": YELLOW, "info": BLUE},
        ),
        TimeSeries(
            title="WAN links down",
            description="WAN links that are down and were up within the last day. Standby links that never come up are not counted.",
            queries=(Query('count(ALERTS{alertname="MistWanLinkDown", org_id=~"$org"}) or vector(0)', "down"),),
            no_value=messages.NO_RULES,
            stacked=True,
        ),
    )
