"""Collector: streams, data loss, REST budget, resource usage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mist_screens import messages
from mist_screens.layout import SITE_LINK, Dashboard, Row
from mist_screens.panels import UP, BarGauge, Column, Query, Stat, Table, Thresholds, TimeSeries

if TYPE_CHECKING:
    from mist_screens.panels import Panel
    from mist_screens.settings import Settings

_FAULTS = 'reason!~"stale|duplicate|out_of_order|unsubscribed_channel|unwatched_site"'


def dashboard(s: Settings) -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        name="collector",
        title="Mist / Collector",
        description="Health of the collector: streams, dropped data, REST budget, size and resource usage. If it is unhealthy, the other dashboards are stale.",
        variables=(),
        time_from="now-3h",
        rows=(
            Row("Overview", _overview(s)),
            Row("Streams", _streams(s)),
            Row("REST and webhooks", _rest(s)),
            Row("Size and resource usage", _resources(s)),
        ),
    )


def _overview(s: Settings) -> tuple[Panel, ...]:
    return (
        Stat(
            title="Collectors up",
            description="Whether Prometheus can scrape every collector (lowest value of up).",
            queries=(Query("min(up{<in_collector>})"),),
            no_value="No data: no scrape target of this job",
            mappings=UP,
            thresholds=Thresholds("", warning=1, critical=0.5),
        ),
        Stat(
            title="Streams open",
            description="Share of the WebSocket connections that are open.",
            queries=(
                Query(
                    "sum(mist_collector_connection_up{<in_collector>}) / count(mist_collector_connection_up{<in_collector>})"
                ),
            ),
            no_value="No data: no connection was opened",
            unit="percentunit",
            thresholds=Thresholds(
                "Red below 100%: the sites of a closed connection are not updated.", warning=1, critical=0.999
            ),
        ),
        Stat(
            title="Channels not up",
            description="Channels that are refused by Mist, unanswered, or not subscribed yet.",
            queries=(Query('sum(mist_collector_subscriptions{<in_collector>, state!="up"}) or vector(0)'),),
            no_value=messages.NO_RULES,
            thresholds=Thresholds("Yellow from 1: the site of the channel is not updated.", warning=1),
        ),
        Stat(
            title="Time since last message",
            description="Longest time since the last message on any WebSocket connection.",
            queries=(Query("max(connection:mist_collector_silence:seconds{<in_collector>})"),),
            no_value=messages.NO_RULES,
            unit="s",
            decimals=0,
            thresholds=Thresholds(
                "Red from <stream_silent_seconds> s; devices report about every 30 s.",
                warning=s.thresholds["stream_silent_seconds"] / 2,
                critical=s.thresholds["stream_silent_seconds"],
            ),
        ),
        Stat(
            title="Frames dropped",
            description="Frames dropped per second because of a fault; stale and duplicate frames are not counted.",
            queries=(
                Query(
                    f"sum(instance:mist_collector_stream_frames_dropped:rate{{<in_collector>, {_FAULTS}}}) or vector(0)"
                ),
            ),
            no_value=messages.NO_RULES,
            unit="ops",
            thresholds=Thresholds("Yellow from 1 per minute, red from 1 per second.", warning=1 / 60, critical=1),
        ),
        Stat(
            title="REST budget used",
            description="Share of the hourly REST calls used, highest account.",
            queries=(Query("max(account:mist_collector_rest_budget_used:ratio{<in_collector>})"),),
            no_value=messages.NO_RULES,
            unit="percentunit",
            thresholds=Thresholds(
                "Red from <rest_budget_ratio|percent>: polls are stretched.",
                warning=0.7,
                critical=s.thresholds["rest_budget_ratio"],
            ),
        ),
    )


def _streams(s: Settings) -> tuple[Panel, ...]:
    return (
        TimeSeries(
            title="Frames received",
            description="Frames received per second, by collector. A drop to zero means that the stream is stale.",
            queries=(Query("instance:mist_collector_stream_frames_received:rate{<in_collector>}", "{{instance}}"),),
            no_value=messages.NO_RULES,
            unit="ops",
        ),
        TimeSeries(
            title="Frames dropped by reason",
            description="Frames dropped per second. Every frame is counted as applied or dropped; stale, duplicate and out_of_order lose no data.",
            queries=(
                Query(
                    "sum by (reason) (instance:mist_collector_stream_frames_dropped:rate{<in_collector>}) > 0",
                    "{{reason}}",
                ),
            ),
            no_value="No data: nothing was dropped",
            unit="ops",
        ),
        TimeSeries(
            title="Time since last message",
            description="Time since the last message, by connection.",
            queries=(
                Query("connection:mist_collector_silence:seconds{<in_collector>}", "{{instance}} {{connection}}"),
            ),
            no_value=messages.NO_RULES,
            unit="s",
            thresholds=Thresholds("Dashed: <stream_silent_seconds> s.", critical=s.thresholds["stream_silent_seconds"]),
        ),
        TimeSeries(
            title="Disconnects",
            description="Disconnects of WebSocket connections in each interval, by reason. Frequent disconnects point to a proxy or firewall.",
            queries=(
                Query(
                    "sum by (reason) (increase(mist_collector_connection_breaks_total{<in_collector>}[$__rate_interval]))",
                    "{{reason}}",
                ),
            ),
            no_value="No data: no connection was disconnected",
        ),
        TimeSeries(
            title="Channels by state",
            description="Channels by subscription state. Sites of channels in refused and unanswered are not updated.",
            queries=(Query("sum by (state) (mist_collector_subscriptions{<in_collector>})", "{{state}}"),),
            no_value=messages.NO_RULES,
            stacked=True,
        ),
        Table(
            title="Top 15 sites by oldest message",
            description="Time since the last message on the device channel of each site. Minutes with devices up mean that the channel is stale.",
            queries=(Query("topk(15, site:mist_collector_channel_silence:seconds{<in_collector>})"),),
            no_value=messages.NO_RULES,
            sort_by="Oldest message",
            exclude=("account", "channel"),
            w=8,
            columns=(
                Column(field="site", title="Site", link=SITE_LINK),
                Column(
                    field="Value",
                    title="Oldest message",
                    unit="s",
                    thresholds=Thresholds(
                        "",
                        warning=s.thresholds["site_silent_seconds"] / 3,
                        critical=s.thresholds["site_silent_seconds"],
                    ),
                ),
                Column(field="org", title="Organisation"),
                Column(field="site_id", hidden=True),
            ),
        ),
        BarGauge(
            title="Top 10 rejected fields",
            description="Fields that were rejected while the rest of the payload was applied, by object and reason, in the selected time range. Mist changed a type.",
            queries=(
                Query(
                    "topk(10, sum by (object, reason) (increase(mist_collector_parts_rejected_total{<in_collector>}[$__range])) > 0)",
                    "{{object}}: {{reason}}",
                ),
            ),
            no_value="None: no field was rejected",
            w=24,
            h=6,
        ),
    )


def _rest(s: Settings) -> tuple[Panel, ...]:
    age = "time() - mist_collector_poll_last_success_timestamp_seconds{<in_collector>}"
    return (
        TimeSeries(
            title="REST calls by outcome",
            description="REST calls in each interval. refused: API token rejected; rate_limited: budget exceeded.",
            queries=(
                Query(
                    "sum by (outcome) (increase(mist_collector_rest_calls_total{<in_collector>}[$__rate_interval]))",
                    "{{outcome}}",
                ),
            ),
            no_value=messages.NO_RULES,
            stacked=True,
        ),
        TimeSeries(
            title="REST budget used",
            description="Share of the hourly REST calls used, by account. It resets every full hour.",
            queries=(Query("account:mist_collector_rest_budget_used:ratio{<in_collector>}", "{{account}}"),),
            no_value=messages.NO_RULES,
            unit="percentunit",
            maximum=1,
            thresholds=Thresholds("Dashed: <rest_budget_ratio|percent>.", critical=s.thresholds["rest_budget_ratio"]),
        ),
        Table(
            title="Polls",
            description="Time since the last complete round, period, and objects of each poll. Series of a poll expire after three periods without success.",
            queries=(
                Query(age),
                Query("mist_collector_poll_period_seconds{<in_collector>}"),
                Query("mist_collector_poll_objects{<in_collector>}"),
                Query("mist_collector_poll_left_out{<in_collector>}"),
            ),
            no_value="No data: no poll has succeeded yet",
            w=8,
            sort_by="Last success",
            columns=(
                Column(field="poll", title="Poll"),
                Column(field="Value #A", title="Last success", unit="s"),
                Column(field="Value #B", title="Period", unit="s"),
                Column(field="Value #C", title="Objects"),
                Column(field="Value #D", title="Skipped", unit="bool_yes_no"),
                Column(field="account", hidden=True),
            ),
        ),
        TimeSeries(
            title="Webhook responses by status",
            description="Responses per second, by HTTP status. 401: signature mismatch; 413: body too large.",
            queries=(
                Query(
                    "sum by (code) (rate(mist_collector_webhook_requests_total{<in_collector>}[$__rate_interval]))",
                    "{{code}}",
                ),
            ),
            no_value=messages.NO_EVENTS,
            unit="reqps",
            w=12,
        ),
        TimeSeries(
            title="Inventory age",
            description="Time since the inventory of sites and devices was read.",
            queries=(
                Query(
                    "time() - mist_collector_inventory_last_success_timestamp_seconds{<in_collector>}",
                    "{{instance}} {{account}}",
                ),
            ),
            no_value="No data: the inventory was not read; check the log",
            unit="s",
            w=12,
            thresholds=Thresholds(
                "Dashed: <inventory_stale_seconds> s; it is read every 10 minutes.",
                critical=s.thresholds["inventory_stale_seconds"],
            ),
        ),
    )


def _resources(s: Settings) -> tuple[Panel, ...]:
    return (
        TimeSeries(
            title="Samples per scrape",
            description="Samples in each scrape, by collector.",
            queries=(Query("scrape_samples_scraped{<in_collector>}", "{{instance}}"),),
            no_value="No data: Prometheus does not scrape the collector",
            thresholds=Thresholds(
                "Dashed: <series_limit>; shard the collector above it.", critical=s.thresholds["series_limit"]
            ),
        ),
        TimeSeries(
            title="Scrape duration",
            description="Duration of a scrape. A scrape that exceeds the timeout is discarded.",
            queries=(Query("scrape_duration_seconds{<in_collector>}", "{{instance}}"),),
            no_value="No data: Prometheus does not scrape the collector",
            unit="s",
            thresholds=Thresholds(
                "Dashed: <scrape_seconds> s, the default scrape timeout of Prometheus.",
                critical=s.thresholds["scrape_seconds"],
            ),
        ),
        BarGauge(
            title="Top 12 tables by rows",
            description="Rows of the metric store, by table; a row has about ten series.",
            queries=(Query("topk(12, sum by (table) (mist_collector_rows{<in_collector>}))", "{{table}}"),),
            no_value=messages.NO_RULES,
        ),
        TimeSeries(
            title="CPU utilization",
            description="CPU utilization in cores, by collector. One core serves about ten thousand devices.",
            queries=(Query("rate(process_cpu_seconds_total{<in_collector>}[$__rate_interval])", "{{instance}}"),),
            no_value="No data: Prometheus does not scrape the collector",
            unit="percentunit",
            maximum=1,
            thresholds=Thresholds("Dashed: 80% of the one core that a process can use.", critical=0.8),
        ),
        TimeSeries(
            title="Resident memory",
            description="Resident memory, by collector. It is proportional to the number of rows; growth without more rows is a memory leak.",
            queries=(Query("process_resident_memory_bytes{<in_collector>}", "{{instance}}"),),
            no_value="No data: Prometheus does not scrape the collector",
            unit="bytes",
        ),
        BarGauge(
            title="Label values counted as other",
            description="Label values beyond the cardinality limit, in the selected time range; they are counted as other.",
            queries=(
                Query(
                    "sum by (label) (increase(mist_collector_label_values_refused_total{<in_collector>}[$__range])) > 0",
                    "{{label}}",
                ),
            ),
            no_value="None: no label exceeds its limit",
        ),
    )
