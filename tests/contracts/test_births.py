"""The first event counts: what alerts look at the growth of stands at zero before anything happened.

`increase()` does not see a series that begins with its first event (invariant 9). So every counter in an alert,
directly or through a record, is listed here: as one of events, with the series that a daemon must show before the first
of them; or as one that grows all the time, where a first step does not matter.
"""

import re
from pathlib import Path

import promql_parser as p
import pytest
import yaml
from mist_screens.__main__ import HERE, outputs
from mist_screens.settings import Settings

from collector.catalog.events import TABLES
from collector.daemon.supervisor import TASKS
from collector.metrics.own_families import CALL_OUTCOMES, DROP_REASONS
from tests.support import samples
from tests.support.families import all_families
from tests.support.house import keeping_house
from tests.support.promql import plain, selectors

RULES = [
    rule
    for path, text in outputs(Settings.read(HERE / "settings.yaml")).items()
    if path.endswith(".yml")
    for group in yaml.safe_load(text)["groups"]
    for rule in group["rules"]
]
RECORDS = {rule["record"]: rule["expr"] for rule in RULES if "record" in rule}
ALERTS = {rule["alert"]: rule["expr"] for rule in RULES if "alert" in rule}
# Labels whose values are capped: those of events, and what clients and the inventory say.
CAPPED = {label for table in TABLES.values() for rule in table.counters for label in rule.labels} | {
    *("org_id", "site_id", "topic", "type", "group", "severity", "event_type", "status", "vendor", "client", "asset"),
}
# Frames that are dropped on purpose; the alert does not look at them.
ASIDE = {"stale", "duplicate", "out_of_order", "unsubscribed_channel", "unwatched_site"}

# (alert, counter): the labels of the series that are there at zero, for each site or account.
OF_EVENTS = {
    ("MistDfsStorm", "mist_webhook_events_total"): [{"topic": "device-events", "type": "AP_RADAR_DETECTED"}],
    ("MistNacDenialsSurging", "mist_webhook_events_total"): [
        {"topic": "nac-events", "type": "NAC_CLIENT_DENY"},
        {"topic": "nac-events", "type": "NAC_CLIENT_PERMIT"},
    ],
    ("MistCollectorTokenRefused", "mist_collector_rest_calls_total"): [
        {"outcome": outcome, "account": "main"} for outcome in CALL_OUTCOMES
    ],
    ("MistCollectorDropping", "mist_collector_stream_frames_dropped_total"): [
        {"reason": reason} for reason in DROP_REASONS
    ],
    ("MistCollectorDropping", "mist_collector_stream_frames_received_total"): [{}],
    ("MistCollectorLabelsCapped", "mist_collector_label_values_refused_total"): [
        {"label": label} for label in sorted(CAPPED)
    ],
    ("MistCollectorTaskFailing", "mist_collector_task_restarts_total"): [{"task": task} for task in TASKS],
    ("MistCollectorWebhookSignatures", "mist_collector_webhook_refused_total"): [
        {"reason": reason} for reason in ("missing", "malformed", "mismatch")
    ],
}
# Counters that devices keep, or of what everybody does all day: the alert looks at a rate of many steps.
OF_TRAFFIC = {
    ("MistSwitchPortErrors", f"mist_switch_port_{way}_{what}_total")
    for way in ("receive", "transmit")
    for what in ("errors", "packets")
} | {
    ("MistClientRetriesHigh", "mist_site_client_transmit_retries_total"),
    ("MistClientRetriesHigh", "mist_site_client_transmit_packets_total"),
    ("MistClientSignalPoor", "mist_site_client_rssi_dbm_bucket"),
    ("MistCollectorDropping", "mist_collector_webhook_events_dropped_total"),
    ("MistCollectorDropping", "mist_collector_webhook_events_received_total"),
}
# Counters that are compared as they are: no growth, so no first step.
AS_THEY_ARE = {
    ("MistCollectorPollLate", "mist_collector_poll_rounds_total"),
    ("MistCollectorInventoryStale", "mist_collector_inventory_failures_total"),
}


def counters(expr):
    """Every counter or histogram that an expression looks at, records followed down."""
    for selector in selectors(p.parse(plain(expr))):
        name = str(selector.name)
        if name in RECORDS:
            yield from counters(RECORDS[name])
        elif name.endswith(("_total", "_bucket")):
            yield name


def of_alert(alert, name):
    """The matchers with which an alert picks a counter; those on a record count for what it is made of."""

    def picked(expr, outer):
        for selector in selectors(p.parse(plain(expr))):
            matchers = outer + [m for m in selector.matchers.matchers if m.name != "job"]
            if str(selector.name) == name:
                yield matchers
            elif str(selector.name) in RECORDS:
                yield from picked(RECORDS[str(selector.name)], matchers)

    return list(picked(ALERTS[alert], []))


def fits(labels, matchers):
    found = (re.fullmatch(m.value, labels.get(m.name, "")) is not None for m in matchers)
    negated = ("Not" in str(m.op) for m in matchers)
    return all(match != no for match, no in zip(found, negated, strict=True))


def test_every_counter_of_an_alert_is_listed():
    used = {(alert, name) for alert, expr in ALERTS.items() for name in counters(expr)}
    assert used == OF_EVENTS.keys() | OF_TRAFFIC | AS_THEY_ARE


def test_nothing_else_is_called_a_counter():
    ends = {name for name in all_families() if name.endswith("_total")}
    assert {name for _, name in (*OF_EVENTS, *OF_TRAFFIC) if name.endswith("_total")} <= ends


@pytest.mark.parametrize(("alert", "name"), OF_EVENTS)
def test_the_list_says_what_the_alert_looks_at(alert, name):
    ways = of_alert(alert, name)
    for labels in OF_EVENTS[alert, name]:
        assert any(fits(labels, matchers) for matchers in ways) or name.endswith("rest_calls_total"), labels
    for matchers in ways:
        assert any(fits(labels, matchers) for labels in OF_EVENTS[alert, name]), matchers


async def test_a_daemon_shows_them_before_the_first_event(tmp_path):
    async with keeping_house(tmp_path) as house:
        await house.settled()
        found = await house.samples()
        for (_, name), series in OF_EVENTS.items():
            for labels in series:
                places = [{"site_id": site} for site in house.sites] if name.startswith("mist_webhook") else [{}]
                for place in places:
                    wanted = samples.having(found, **labels, **place)
                    values = [value for (family, _), value in wanted.items() if family == name]
                    assert len(values) == 1, (name, labels)
                    counted_already = name.endswith("received_total") or labels.get("outcome") == "ok"
                    assert values == [0.0] or counted_already, (name, labels)


def test_every_reason_for_which_a_frame_is_dropped_is_one_or_the_other(project):
    """The words stand where frames are read; what is dropped on purpose is left out of the alert by name."""
    ways = (
        "tolerant_json.py",
        "mist/envelope.py",
        "ingest/dispatcher.py",
        "location/floor_counters.py",
        "location/positions.py",
    )
    feeds = ("device_feed", "client_feed", "asset_feed", "payloads")
    files = [*ways, *(f"feeds/{name}.py" for name in feeds)]
    reasons = {
        word
        for file in files
        for word in re.findall(r'Rejected\("(\w+)"\)', (Path(project) / "collector" / file).read_text())
    }
    never_of_a_frame = {"repeated", "history_unavailable"}  # applied before; the reason a webhook answers 503
    assert reasons - ASIDE - never_of_a_frame <= set(DROP_REASONS)
    assert ASIDE.isdisjoint(DROP_REASONS)
    (matchers,) = of_alert("MistCollectorDropping", "mist_collector_stream_frames_dropped_total")
    assert {value for m in matchers if "Not" in str(m.op) for value in m.value.split("|")} == ASIDE
