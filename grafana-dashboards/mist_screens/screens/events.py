"""Events and alarms: what happened, what is open, and whether webhooks arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mist_screens import words
from mist_screens.layout import SITE_OF_ROW, Screen, Section
from mist_screens.panels import Bars, Column, Lines, Query, Stat, Steps, Table

if TYPE_CHECKING:
    from mist_screens.panels import Panel
    from mist_screens.settings import Settings


def screen(s: Settings) -> Screen:
    """Return the dashboard."""
    del s  # its limits are those of Mist's own alarms
    return Screen(
        name="events",
        title="Mist / Events and alarms",
        says="What happened, where, and why; which alarms are open; how late webhooks come.",
        sections=(Section("Alarms", _alarms()), Section("Events", _events()), Section("Webhooks", _webhooks())),
    )


def _alarms() -> tuple[Panel, ...]:
    empty = "No data because no alarm is open, or alarms are neither polled nor posted"
    return (
        *(
            Stat(
                title=title,
                says="Alarms of Mist's that are neither resolved nor acknowledged.",
                queries=(Query(f'sum(site:mist_alarms_open:sum{{<in_site>, severity="{severity}"}}) or vector(0)'),),
                empty=empty,
                w=4,
                steps=Steps(why, yellow=yellow, red=red),
            )
            for title, severity, why, yellow, red in (
                ("Critical", "critical", "Red from one.", None, 1.0),
                ("Warnings", "warn", "Yellow from one.", 1.0, None),
                ("For information", "info", "No limits.", None, None),
            )
        ),
        Lines(
            title="Open alarms by group",
            says="Infrastructure, security, Marvis. What only grows is never acknowledged: nobody reads it.",
            queries=(Query("sum by (group) (site:mist_alarms_open:sum{<in_site>})", "{{group}}"),),
            empty=empty,
            stacked=True,
            w=12,
            h=8,
        ),
        Table(
            title="Sites with open alarms",
            says="By group and severity. A click leads to the site.",
            queries=(Query("topk(30, site:mist_alarms_open:sum{<in_site>} > 0)"),),
            empty=empty,
            w=12,
            sort="Open",
            columns=(
                Column(field="site", title="Site", link=SITE_OF_ROW),
                Column(field="group", title="Group"),
                Column(field="severity", title="Severity"),
                Column(field="Value", title="Open", width=80),
                Column(field="site_id", hidden=True),
            ),
        ),
        Bars(
            title="Alarms raised by type",
            says="In the time that is shown; what updates or ends an alarm is not counted.",
            queries=(
                Query("topk(12, sum by (type) (increase(mist_alarms_total{<in_site>}[$__range])) > 0)", "{{type}}"),
            ),
            empty=words.NO_EVENTS,
            w=12,
        ),
    )


def _events() -> tuple[Panel, ...]:
    return (
        Lines(
            title="Device events",
            says="The ten most frequent types in the hour before. A type that is new here is worth a look.",
            queries=(
                Query(
                    'topk(10, sum by (type) (site:mist_webhook_events:increase{<in_site>, topic="device-events"}))',
                    "{{type}}",
                ),
            ),
            empty=words.NO_EVENTS,
            w=12,
        ),
        Lines(
            title="Ups and downs",
            says="Devices that disconnected, connected and restarted in the hour before. Many at once have one cause.",
            queries=(
                Query(
                    'sum by (type) (site:mist_webhook_events:increase{<in_site>, topic="device-updowns"})', "{{type}}"
                ),
            ),
            empty=words.NO_EVENTS,
            w=12,
        ),
        Table(
            title="Where most happens",
            says="Events by site and type in the last hour.",
            queries=(
                Query(
                    'topk(30, round(sum by (org_id, site_id, site, type) (site:mist_webhook_events:increase{<in_site>, topic="device-events"})))'
                ),
            ),
            empty=words.NO_EVENTS,
            w=12,
            sort="Times",
            columns=(
                Column(field="site", title="Site", link=SITE_OF_ROW),
                Column(field="type", title="Type"),
                Column(field="Value", title="Times", width=80),
                Column(field="site_id", hidden=True),
            ),
        ),
        Bars(
            title="Reasons that devices gave",
            says="Why, as events say it, in the time that is shown: power cycles point to PoE, upgrades to a schedule.",
            queries=(
                Query(
                    "topk(12, sum by (type, reason) (increase(mist_webhook_event_reasons_total{<in_site>}[$__range])) > 0)",
                    "{{type}}: {{reason}}",
                ),
            ),
            empty=words.NO_EVENTS,
            w=12,
        ),
        Lines(
            title="Changes by people",
            says="Entries of the audit log by their verb, in the time of one step. Look here first when something broke.",
            queries=(
                Query(
                    'sum by (type) (increase(mist_webhook_events_total{<in_org>, topic="audits"}[$__rate_interval]))',
                    "{{type}}",
                ),
            ),
            empty=words.NO_EVENTS,
            w=12,
        ),
        Lines(
            title="Firmware updates",
            says="How far the updates are that run now. One that stands still for half an hour hangs.",
            queries=(
                Query(
                    'mist_device_firmware_update_progress_ratio{<in_site>} < 1 and on (<device>) mist_device_firmware_update_status{<in_site>, state="inprogress"} == 1',
                    "{{mac}}",
                ),
            ),
            empty="None: no update runs",
            unit="percentunit",
            top=1,
            w=12,
        ),
    )


def _webhooks() -> tuple[Panel, ...]:
    return (
        Lines(
            title="Events by topic",
            says="Events that arrive, a second. A topic that stops was switched off at Mist, or fails there.",
            queries=(
                Query(
                    "sum by (topic) (instance:mist_collector_webhook_events_received:rate{<in_collector>})", "{{topic}}"
                ),
            ),
            empty=words.NO_EVENTS,
            unit="ops",
        ),
        Lines(
            title="Delay of delivery",
            says="Time from an event to its delivery, half of the events and nineteen of twenty. Minutes: Mist batches; hours: it caught up after an outage.",
            queries=(
                Query(
                    "histogram_quantile(0.5, sum by (le) (rate(mist_webhook_delivery_delay_seconds_bucket{<in_collector>}[$__rate_interval])))",
                    "half",
                ),
                Query(
                    "histogram_quantile(0.95, sum by (le) (rate(mist_webhook_delivery_delay_seconds_bucket{<in_collector>}[$__rate_interval])))",
                    "19 of 20",
                ),
            ),
            empty=words.NO_EVENTS,
            unit="s",
            steps=Steps("Dashed: 300 s, from where up and down come by silence first.", red=300),
        ),
        Lines(
            title="Dropped and repeated",
            says="Events that were not counted, by reason. Duplicates are usual: Mist repeats; the rest is bad.",
            queries=(
                Query(
                    "sum by (reason) (rate(mist_collector_webhook_events_dropped_total{<in_collector>}[$__rate_interval]))",
                    "{{reason}}",
                ),
            ),
            empty="No data because nothing was dropped",
            unit="ops",
        ),
    )
