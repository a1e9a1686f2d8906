"""Events and alarms: open alarms, device events, webhook delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mist_screens import messages
from mist_screens.layout import SITE_LINK, Dashboard, Row
from mist_screens.panels import BarGauge, Column, Query, Stat, Table, Thresholds, TimeSeries

if TYPE_CHECKING:
    from mist_screens.panels import Panel
    from mist_screens.settings import Settings


def dashboard(s: Settings) -> Dashboard:
    """Return the dashboard."""
    del s  # thresholds are the severities of Mist alarms
    return Dashboard(
        name="events",
        title="Mist / Events and alarms",
        description="Open Mist alarms, device events with their reasons, and webhook delivery.",
        rows=(Row("Alarms", _alarms()), Row("Events", _events()), Row("Webhooks", _webhooks())),
    )


def _alarms() -> tuple[Panel, ...]:
    return (
        *(
            Stat(
                title=title,
                description="Mist alarms that are neither resolved nor acknowledged.",
                queries=(Query(f'sum(site:mist_alarms_open:sum{{<in_site>, severity="{severity}"}}) or vector(0)'),),
                no_value=messages.NO_ALARMS,
                w=4,
                thresholds=Thresholds(note, warning=warning, critical=critical),
            )
            for title, severity, note, warning, critical in (
                ("Critical", "critical", "Red from 1.", None, 1.0),
                ("Warning", "warn", "Yellow from 1.", 1.0, None),
                ("Info", "info", "No thresholds.", None, None),
            )
        ),
        TimeSeries(
            title="Open alarms by group",
            description="Open Mist alarms by group: infrastructure, security, Marvis. A steady rise means that alarms are not acknowledged.",
            queries=(Query("sum by (group) (site:mist_alarms_open:sum{<in_site>})", "{{group}}"),),
            no_value=messages.NO_ALARMS,
            stacked=True,
            w=12,
            h=8,
        ),
        Table(
            title="Sites with open alarms",
            description="Open Mist alarms by site, group and severity. Click a site to open its dashboard.",
            queries=(Query("topk(30, site:mist_alarms_open:sum{<in_site>} > 0)"),),
            no_value=messages.NO_ALARMS,
            w=12,
            sort_by="Open",
            columns=(
                Column(field="site", title="Site", link=SITE_LINK),
                Column(field="group", title="Group"),
                Column(field="severity", title="Severity"),
                Column(field="Value", title="Open", width=80),
                Column(field="site_id", hidden=True),
            ),
        ),
        BarGauge(
            title="Top 12 alarm types",
            description="Alarms raised in the selected time range, by type; updates and clears are not counted.",
            queries=(
                Query("topk(12, sum by (type) (increase(mist_alarms_total{<in_site>}[$__range])) > 0)", "{{type}}"),
            ),
            no_value=messages.NO_EVENTS,
            w=12,
        ),
    )


def _events() -> tuple[Panel, ...]:
    return (
        TimeSeries(
            title="Top 10 device events, last 1 h",
            description="Device events over the previous hour, by type. Look for types that were not there before.",
            queries=(
                Query(
                    'topk(10, sum by (type) (site:mist_webhook_events:increase{<in_site>, topic="device-events"}))',
                    "{{type}}",
                ),
            ),
            no_value=messages.NO_EVENTS,
            w=12,
        ),
        TimeSeries(
            title="Device up and down events, last 1 h",
            description="Devices that disconnected, connected or restarted over the previous hour. Many at once usually have one cause.",
            queries=(
                Query(
                    'sum by (type) (site:mist_webhook_events:increase{<in_site>, topic="device-updowns"})', "{{type}}"
                ),
            ),
            no_value=messages.NO_EVENTS,
            w=12,
        ),
        Table(
            title="Top 30 sites and types by events, last 1 h",
            description="Device events of the last hour, by site and type.",
            queries=(
                Query(
                    'topk(30, round(sum by (org_id, site_id, site, type) (site:mist_webhook_events:increase{<in_site>, topic="device-events"})))'
                ),
            ),
            no_value=messages.NO_EVENTS,
            w=12,
            sort_by="Count",
            columns=(
                Column(field="site", title="Site", link=SITE_LINK),
                Column(field="type", title="Type"),
                Column(field="Value", title="Count", width=80),
                Column(field="site_id", hidden=True),
            ),
        ),
        BarGauge(
            title="Top 12 event reasons",
            description="Reasons of device events in the selected time range. Power cycles point to PoE, upgrades to a schedule.",
            queries=(
                Query(
                    "topk(12, sum by (type, reason) (increase(mist_webhook_event_reasons_total{<in_site>}[$__range])) > 0)",
                    "{{type}}: {{reason}}",
                ),
            ),
            no_value=messages.NO_EVENTS,
            w=12,
        ),
        TimeSeries(
            title="Configuration changes",
            description="Audit log entries in each interval, by action. Check it first when something broke.",
            queries=(
                Query(
                    'sum by (type) (increase(mist_webhook_events_total{<in_org>, topic="audits"}[$__rate_interval]))',
                    "{{type}}",
                ),
            ),
            no_value=messages.NO_EVENTS,
            w=12,
        ),
        TimeSeries(
            title="Firmware update progress",
            description="Progress of running updates. An update without progress for 30 minutes is stuck.",
            queries=(
                Query(
                    '(mist_device_firmware_update_progress_ratio{<in_site>} < 1 and on (<device>) mist_device_firmware_update_status{<in_site>, state="inprogress"} == 1) * on (<device>) group_left (device) device:mist_device_info:named{<in_site>}',
                    "{{device}}",
                ),
            ),
            no_value="None: no update is running",
            unit="percentunit",
            maximum=1,
            w=12,
        ),
    )


def _webhooks() -> tuple[Panel, ...]:
    return (
        TimeSeries(
            title="Webhook events by topic",
            description="Received webhook events per second, by topic. A topic that stops was disabled in Mist, or its delivery fails.",
            queries=(
                Query(
                    "sum by (topic) (instance:mist_collector_webhook_events_received:rate{<in_collector>})", "{{topic}}"
                ),
            ),
            no_value=messages.NO_EVENTS,
            unit="ops",
        ),
        TimeSeries(
            title="Webhook delivery delay",
            description="Time from an event to its delivery, median and 95th percentile. Minutes: Mist batches events; hours: delivery resumed after an outage.",
            queries=(
                Query(
                    "histogram_quantile(0.5, sum by (le) (rate(mist_webhook_delivery_delay_seconds_bucket{<in_collector>}[$__rate_interval])))",
                    "median",
                ),
                Query(
                    "histogram_quantile(0.95, sum by (le) (rate(mist_webhook_delivery_delay_seconds_bucket{<in_collector>}[$__rate_interval])))",
                    "p95",
                ),
            ),
            no_value=messages.NO_EVENTS,
            unit="s",
            thresholds=Thresholds(
                "Dashed: 300 s; above it the REST poll detects disconnected devices first.", critical=300
            ),
        ),
        TimeSeries(
            title="Webhook events dropped by reason",
            description="Webhook events dropped per second. Duplicates are expected, because Mist retries deliveries; other reasons are faults.",
            queries=(
                Query(
                    "sum by (reason) (rate(mist_collector_webhook_events_dropped_total{<in_collector>}[$__rate_interval]))",
                    "{{reason}}",
                ),
            ),
            no_value="No data: nothing was dropped",
            unit="ops",
        ),
    )
