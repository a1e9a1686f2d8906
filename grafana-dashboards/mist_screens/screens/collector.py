"""The collector itself: is it seeing, what does it lose, what does it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mist_screens import words
from mist_screens.layout import SITE_OF_ROW, Screen, Section
from mist_screens.panels import UP, Bars, Column, Lines, Query, Stat, Steps, Table

if TYPE_CHECKING:
    from mist_screens.panels import Panel
    from mist_screens.settings import Settings

_ASIDE = 'reason!~"stale|duplicate|out_of_order|unsubscribed_channel|unwatched_site"'


def screen(s: Settings) -> Screen:
    """Return the dashboard."""
    return Screen(
        name="collector",
        title="Mist / Collector",
        says="Can the other screens be believed? Streams, losses, the REST budget, size and cost of the collector.",
        variables=(),
        since="now-3h",
        sections=(
            Section("At a glance", _glance(s)),
            Section("Streams", _streams(s)),
            Section("REST and webhooks", _rest(s)),
            Section("Size and cost", _cost(s)),
        ),
    )


def _glance(s: Settings) -> tuple[Panel, ...]:
    return (
        Stat(
            title="Collectors up",
            says="Whether Prometheus gets an answer from each collector; the worst.",
            queries=(Query("min(up{<in_collector>})"),),
            empty="NONE: no target of this job",
            words=UP,
            steps=Steps("", yellow=1, red=0.5),
        ),
        Stat(
            title="Streams open",
            says="Share of the WebSocket connections that is open.",
            queries=(
                Query(
                    "sum(mist_collector_connection_up{<in_collector>}) / count(mist_collector_connection_up{<in_collector>})"
                ),
            ),
            empty="NONE: no connection was ever made",
            unit="percentunit",
            steps=Steps("Red below all: its sites are not heard.", yellow=1, red=0.999),
        ),
        Stat(
            title="Channels not up",
            says="Channels that Mist refused, never answered, or that are on their way.",
            queries=(Query('sum(mist_collector_subscriptions{<in_collector>, state!="up"}) or vector(0)'),),
            empty=words.NO_RULES,
            steps=Steps("Yellow from one: a site is not heard.", yellow=1),
        ),
        Stat(
            title="Quietest stream",
            says="Seconds since it last brought a message.",
            queries=(Query("max(connection:mist_collector_silence:seconds{<in_collector>})"),),
            empty=words.NO_RULES,
            unit="s",
            decimals=0,
            steps=Steps(
                "Red from <stream_silent_seconds> s: devices speak every 30.",
                yellow=s.thresholds["stream_silent_seconds"] / 2,
                red=s.thresholds["stream_silent_seconds"],
            ),
        ),
        Stat(
            title="Frames dropped",
            says="Frames a second that were dropped for a reason that is a fault.",
            queries=(
                Query(
                    f"sum(instance:mist_collector_stream_frames_dropped:rate{{<in_collector>, {_ASIDE}}}) or vector(0)"
                ),
            ),
            empty=words.NO_RULES,
            unit="ops",
            steps=Steps("Yellow from one in a minute.", yellow=1 / 60, red=1),
        ),
        Stat(
            title="REST budget used",
            says="Share of this hour's calls that is made, the fullest account.",
            queries=(Query("max(account:mist_collector_rest_budget_used:ratio{<in_collector>})"),),
            empty=words.NO_RULES,
            unit="percentunit",
            steps=Steps(
                "Red from <rest_budget_ratio|percent>: polls are stretched.",
                yellow=0.7,
                red=s.thresholds["rest_budget_ratio"],
            ),
        ),
    )


def _streams(s: Settings) -> tuple[Panel, ...]:
    return (
        Lines(
            title="Frames",
            says="Frames received a second, by collector. A fall to nothing is a blind stream.",
            queries=(Query("instance:mist_collector_stream_frames_received:rate{<in_collector>}", "{{instance}}"),),
            empty=words.NO_RULES,
            unit="ops",
        ),
        Lines(
            title="Frames dropped, by reason",
            says="Everything is counted as applied or dropped. stale, duplicate and out_of_order lose nothing.",
            queries=(
                Query(
                    "sum by (reason) (instance:mist_collector_stream_frames_dropped:rate{<in_collector>}) > 0",
                    "{{reason}}",
                ),
            ),
            empty="No data because nothing was dropped",
            unit="ops",
        ),
        Lines(
            title="Silence of streams",
            says="Seconds since each connection brought a message.",
            queries=(
                Query("connection:mist_collector_silence:seconds{<in_collector>}", "{{instance}} {{connection}}"),
            ),
            empty=words.NO_RULES,
            unit="s",
            steps=Steps("Dashed: <stream_silent_seconds> s.", red=s.thresholds["stream_silent_seconds"]),
        ),
        Lines(
            title="Breaks",
            says="Connections that broke, by reason, in the time of one step. Now and then is usual; often is a proxy that cuts.",
            queries=(
                Query(
                    "sum by (reason) (increase(mist_collector_connection_breaks_total{<in_collector>}[$__rate_interval]))",
                    "{{reason}}",
                ),
            ),
            empty="No data because no connection ever broke",
        ),
        Lines(
            title="Channels by state",
            says="up is well; refused and unanswered are sites that are not heard.",
            queries=(Query("sum by (state) (mist_collector_subscriptions{<in_collector>})", "{{state}}"),),
            empty=words.NO_RULES,
            stacked=True,
        ),
        Table(
            title="Quietest sites",
            says="Sites whose device channel has said nothing for longest. Silent for minutes with devices that are up: stale.",
            queries=(Query("topk(15, site:mist_collector_channel_silence:seconds{<in_collector>})"),),
            empty=words.NO_RULES,
            sort="Silent for",
            drops=("account", "channel"),
            w=8,
            columns=(
                Column(field="site", title="Site", link=SITE_OF_ROW),
                Column(
                    field="Value",
                    title="Silent for",
                    unit="s",
                    steps=Steps(
                        "", yellow=s.thresholds["site_silent_seconds"] / 3, red=s.thresholds["site_silent_seconds"]
                    ),
                ),
                Column(field="org", title="Organisation"),
                Column(field="site_id", hidden=True),
            ),
        ),
        Bars(
            title="Fields left out, by reason",
            says="Fields of payloads that were left out while the rest was applied, in the time that is shown: Mist changed a type.",
            queries=(
                Query(
                    "topk(10, sum by (object, reason) (increase(mist_collector_parts_rejected_total{<in_collector>}[$__range])) > 0)",
                    "{{object}}: {{reason}}",
                ),
            ),
            empty="None: every field was understood",
            w=24,
            h=6,
        ),
    )


def _rest(s: Settings) -> tuple[Panel, ...]:
    late = "time() - mist_collector_poll_last_success_timestamp_seconds{<in_collector>}"
    return (
        Lines(
            title="REST calls, by outcome",
            says="Calls in the time of one step. refused is the token; rate_limited is the budget.",
            queries=(
                Query(
                    "sum by (outcome) (increase(mist_collector_rest_calls_total{<in_collector>}[$__rate_interval]))",
                    "{{outcome}}",
                ),
            ),
            empty=words.NO_RULES,
            stacked=True,
        ),
        Lines(
            title="REST budget",
            says="Share of the hour's calls that is made, by account. It falls at each full hour.",
            queries=(Query("account:mist_collector_rest_budget_used:ratio{<in_collector>}", "{{account}}"),),
            empty=words.NO_RULES,
            unit="percentunit",
            top=1,
            steps=Steps("Dashed: <rest_budget_ratio|percent>.", red=s.thresholds["rest_budget_ratio"]),
        ),
        Table(
            title="Polls",
            says="When each poll last brought everything, its period as the budget allows, and what it brought. One that is older than three periods has lost its series.",
            queries=(
                Query(late),
                Query("mist_collector_poll_period_seconds{<in_collector>}"),
                Query("mist_collector_poll_objects{<in_collector>}"),
                Query("mist_collector_poll_left_out{<in_collector>}"),
            ),
            empty="No data because no poll has succeeded yet",
            w=8,
            sort="Last good",
            columns=(
                Column(field="poll", title="Poll"),
                Column(field="Value #A", title="Last good", unit="s"),
                Column(field="Value #B", title="Period", unit="s"),
                Column(field="Value #C", title="Objects"),
                Column(field="Value #D", title="Left out", unit="bool_yes_no"),
                Column(field="account", hidden=True),
            ),
        ),
        Lines(
            title="Webhook answers",
            says="Deliveries by the code that was answered. 401 is a wrong secret, 413 one too large.",
            queries=(
                Query(
                    "sum by (code) (rate(mist_collector_webhook_requests_total{<in_collector>}[$__rate_interval]))",
                    "{{code}}",
                ),
            ),
            empty=words.NO_EVENTS,
            unit="reqps",
            w=12,
        ),
        Lines(
            title="Age of the inventory",
            says="Time since all sites and devices were last read.",
            queries=(
                Query(
                    "time() - mist_collector_inventory_last_success_timestamp_seconds{<in_collector>}",
                    "{{instance}} {{account}}",
                ),
            ),
            empty="No data because it was never read: look at the log",
            unit="s",
            w=12,
            steps=Steps(
                "Dashed: <inventory_stale_seconds> s; it is read every ten minutes.",
                red=s.thresholds["inventory_stale_seconds"],
            ),
        ),
    )


def _cost(s: Settings) -> tuple[Panel, ...]:
    return (
        Lines(
            title="Samples in a scrape",
            says="How many series each collector gives.",
            queries=(Query("scrape_samples_scraped{<in_collector>}", "{{instance}}"),),
            empty="No data: Prometheus does not scrape it",
            steps=Steps("Dashed: <series_limit>; beyond, shard.", red=s.thresholds["series_limit"]),
        ),
        Lines(
            title="Duration of a scrape",
            says="How long a scrape takes. Beyond its timeout nothing is kept.",
            queries=(Query("scrape_duration_seconds{<in_collector>}", "{{instance}}"),),
            empty="No data: Prometheus does not scrape it",
            unit="s",
            steps=Steps("Dashed: <scrape_seconds> s, Prometheus' usual timeout.", red=s.thresholds["scrape_seconds"]),
        ),
        Bars(
            title="Rows by table",
            says="What the series are made of; each row has some ten series.",
            queries=(Query("topk(12, sum by (table) (mist_collector_rows{<in_collector>}))", "{{table}}"),),
            empty=words.NO_RULES,
        ),
        Lines(
            title="Processor",
            says="Share of one core in use, by collector. One core carries some ten thousand devices.",
            queries=(Query("rate(process_cpu_seconds_total{<in_collector>}[$__rate_interval])", "{{instance}}"),),
            empty="No data: Prometheus does not scrape it",
            unit="percentunit",
            top=1,
            steps=Steps("Dashed: 80% of the one core that a process can use.", red=0.8),
        ),
        Lines(
            title="Memory",
            says="Memory in use. It follows the number of rows; what grows without them is a leak.",
            queries=(Query("process_resident_memory_bytes{<in_collector>}", "{{instance}}"),),
            empty="No data: Prometheus does not scrape it",
            unit="bytes",
        ),
        Bars(
            title="Label values counted as other",
            says="Values beyond what a label admits, in the time that is shown.",
            queries=(
                Query(
                    "sum by (label) (increase(mist_collector_label_values_refused_total{<in_collector>}[$__range])) > 0",
                    "{{label}}",
                ),
            ),
            empty="None: no label is at its cap",
        ),
    )
