"""Rows of events: limits of labels and rows, malformed fields, and types from the lists of Mist."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from collector.catalog import event_rules, limits
from collector.catalog.events import TABLES
from collector.feeds import event_feed, event_places
from collector.feeds.event_feed import EventFeed
from collector.feeds.event_places import EventPlaces
from collector.feeds.feed import TopicEvent
from collector.feeds.router import FeedRouter
from collector.metrics.store import Store
from collector.metrics.text_format import render_all
from collector.mist.directories import Directories
from collector.mist.topics import TOPICS
from tests.support.feeds import HERE, Clock, send, series


@pytest.fixture
def router():
    return FeedRouter()


class TestLimits:
    """Above its limit a value is `other`."""

    def test_types_of_a_topic(self, router):
        cap = TABLES["device-events"].type.unknown
        send(router, "device-events", *({"type": f"T{number}"} for number in range(cap + 50)))
        assert series(router)[f'mist_webhook_events_total{{{HERE},topic="device-events",type="other"}}'] == 50
        assert len(series(router, "mist_webhook_events_total")) == cap + 1
        assert router.refused_labels()["type"] == 50

    def test_one_topic_leaves_another_its_types(self, router):
        cap = TABLES["device-events"].type.unknown
        send(router, "device-events", *({"type": f"T{number}"} for number in range(cap + 1)))
        send(router, "mxedge-events", {"type": "ME_NEW"})
        assert f'mist_webhook_events_total{{{HERE},topic="mxedge-events",type="ME_NEW"}}' in series(router)

    @pytest.mark.parametrize(
        ("topic", "field", "family", "cap"),
        [
            ("client-join", "ssid", "mist_client_joins_total", 200),
            ("device-events", "reason", "mist_webhook_event_reasons_total", 100),
            ("zone", "zone_id", "mist_zone_crossings_total", 5000),
            ("nac-events", "auth_type", "mist_nac_events_total", 20),
            ("mxedge-events", "component", "mist_mxedge_events_total", 50),
            ("guest-authorizations", "auth_method", "mist_client_guest_authorizations_total", 50),
        ],
    )
    def test_labels_of_a_topic(self, router, topic, field, family, cap):
        send(router, topic, *({field: f"v{number}"} for number in range(cap + 3)))
        seen = series(router, family)
        assert len(seen) == cap + 1
        assert seen[f'{family}{{{HERE},{field}="other"}}'] == 3
        assert router.refused_labels()[field] == 3

    def test_the_value_other_is_not_refused(self, router):
        send(router, "client-join", {"ssid": "other"}, {"ssid": "other"})
        assert router.refused_labels().get("ssid", 0) == 0

    def test_unlisted_sites_and_orgs(self, router):
        apply = router.open_topic("ping")
        for number in range(event_places.MAX_UNKNOWN_SITES + 5):
            apply({"site_id": f"s{number}", "org_id": f"o{number}"}, 0.0)
        assert series(router)['mist_webhook_events_total{org_id="other",site_id="other",topic="ping"}'] == 5
        refused = router.refused_labels()
        assert refused["site_id"] == 5
        assert refused["org_id"] == event_places.MAX_UNKNOWN_SITES + 5 - event_places.MAX_UNKNOWN_ORGS

    def test_gauges_of_a_site_above_the_limit_are_rejected_not_mixed(self, router, monkeypatch):
        monkeypatch.setattr(router._places, "of", lambda _part: ("o", "other"))
        send(router, "client-latency", {"avg_dhcp": 1})
        assert series(router, "mist_site_client_latency") == {}
        assert router.rejected_parts() == {("webhook:client-latency", "too_many_rows"): 1}

    def test_rows_of_gauges(self, router):
        rows = limits.EVENT_GAUGES.of(0)
        for first in range(0, rows + 2, event_rules.MAX_ELEMENTS):
            numbers = range(first, min(first + event_rules.MAX_ELEMENTS, rows + 2))
            alerts = [{"zone_id": str(number), "current_occupancy": 1} for number in numbers]
            send(router, "occupancy-alerts", {"alert_events": alerts})
        assert len(series(router, "mist_zone_occupancy_alert_occupants")) == rows
        assert router.rejected_parts() == {("webhook:occupancy-alerts", "too_many_rows"): 2}

    def test_elements_of_an_event(self, router):
        alerts = [{"zone_id": "z", "type": "COMPLIANCE-OK"}] * (event_rules.MAX_ELEMENTS + 5)
        send(router, "occupancy-alerts", {"alert_events": alerts})
        assert sum(series(router, "mist_webhook_events_total").values()) == event_rules.MAX_ELEMENTS
        assert router.rejected_parts() == {("webhook:occupancy-alerts", "too_many_elements"): 5}

    def test_rows_of_a_counter(self, router, monkeypatch):
        counters = router.feeds[0]._topics["client-join"].counters[0]
        monkeypatch.setattr(counters, "rule", dataclasses.replace(counters.rule, max_rows=limits.RowLimit(2, 0)))
        send(router, "client-join", *({"ssid": str(number % 4), "band": "5"} for number in range(8)))
        assert series(router, "mist_client_joins") == {
            f'mist_client_joins_total{{{HERE},ssid="0",band="5"}}': 2,
            f'mist_client_joins_total{{{HERE},ssid="1",band="5"}}': 2,
            f'mist_client_joins_total{{{HERE},ssid="other",band="other"}}': 4,
        }
        assert router.refused_labels()["mist_client_joins_total"] == 4

    def test_a_word_that_is_not_a_verb_is_not_exported(self, router):
        send(router, "audits", {"message": "Jo Doe was here"}, {"message": "   "}, {"message": "Delete WLAN x"})
        assert set(series(router)) == {
            f'mist_webhook_events_total{{{HERE},topic="audits",type="other"}}',
            f'mist_webhook_events_total{{{HERE},topic="audits"}}',
            f'mist_webhook_events_total{{{HERE},topic="audits",type="delete"}}',
        }


class TestTypeLists:
    """Types in the lists of Mist are counted by name."""

    def test_listed_types_are_admitted_above_the_limit(self, router):
        cap = TABLES["alarms"].type.unknown
        send(router, "alarms", *({"type": f"T{number}"} for number in range(cap)))
        router.admit_types("alarms", ["device_down"])
        send(router, "alarms", {"type": "device_down"}, {"type": "unlisted"})
        types = series(router, "mist_webhook_events_total")
        assert types[f'mist_webhook_events_total{{{HERE},topic="alarms",type="device_down"}}'] == 1
        assert types[f'mist_webhook_events_total{{{HERE},topic="alarms",type="other"}}'] == 1

    def test_the_number_of_listed_types_is_limited(self, router):
        router.admit_types("alarms", (f"T{number}" for number in range(10_000)))
        shown = [router.feeds[0]._topics["alarms"]._types.admit(f"T{number}") for number in range(10_000)]
        assert len(set(shown)) <= event_feed.MAX_LEARNED_TYPES + TABLES["alarms"].type.unknown + 1

    def test_a_listed_topic_is_counted_by_its_name(self, router):
        router.admit_types("", ["alarms", "weather", *(f"new{number}" for number in range(1000))])
        send(router, "weather", {"type": "rain"})
        send(router, "new999", {})
        assert series(router) == {
            f'mist_webhook_events_total{{{HERE},topic="weather",type="rain"}}': 1,
            f'mist_webhook_events_total{{{HERE},topic="other"}}': 1,
        }

    def test_a_list_of_an_unknown_topic_is_ignored(self, router):
        router.admit_types("client-events", ["A"])
        assert series(router) == {}


class TestMalformed:
    """Valid fields are applied, the others are counted."""

    def test_a_label_that_is_not_a_scalar(self, router):
        send(router, "client-join", {"ssid": ["corp"], "band": {"a": 1}})
        assert series(router, "mist_client_joins") == {f"mist_client_joins_total{{{HERE}}}": 1}
        assert router.rejected_parts() == {("webhook:client-join", "not_text"): 2}

    def test_a_gauge_that_is_not_a_number(self, router):
        send(router, "client-latency", {"avg_dhcp": "soon", "avg_dns": 1, "avg_auth": [3]})
        assert series(router, "mist_site_client") == {
            f'mist_site_client_latency_seconds{{step="dns",stat="avg",{HERE}}}': 1
        }
        assert router.rejected_parts() == {("webhook:client-latency", "not_a_number"): 2}

    def test_a_list_where_a_map_is_expected(self, router):
        send(router, "site-sle", {"sle": [0.5]})
        assert series(router, "mist_site_sle") == {}
        assert router.rejected_parts() == {("webhook:site-sle", "wrong_container"): 1}

    def test_hostile_label_text(self, router):
        send(router, "client-join", {"ssid": 'a"b\\c\nd', "band": "5"}, {"ssid": "x" * 10_000})
        text = render_all(router.store).decode()
        families = {family.name: family for family in text_string_to_metric_families(text)}
        ssids = [sample.labels["ssid"] for sample in families["mist_client_joins"].samples]
        assert ssids[0] == 'a"b\\c\nd'
        assert len(ssids[1]) <= 256


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "zone_id", "type"]), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = (
    *(
        "acked",
        "alert_events",
        "ap",
        "auth_type",
        "avg_dhcp",
        "band",
        "duration",
        "group",
        "id",
        "last_seen",
        "latency",
    ),
    *("mac", "message", "org_id", "reason", "resolved_time", "rx_bytes", "session_duration_in_mins", "severity", "sle"),
    *("site_id", "ssid", "status", "success", "termination_reason", "timestamp", "trigger", "type", "update", "vlan"),
)


@given(st.sampled_from([*TOPICS, "unlisted"]), st.lists(st.dictionaries(st.sampled_from(FIELDS), ANYTHING), max_size=4))
def test_any_event_is_applied_and_the_exposition_stays_valid(topic, events):
    store, directories = Store(), Directories()
    places = EventPlaces(directories, Clock())
    apply = EventFeed(store, directories, places).topic(topic)
    for event in events:
        payload = json.loads(json.dumps(event))
        rejected = apply(TopicEvent(topic, payload, *places.of(payload), 1.7e9, 0.0))
        assert rejected is None or topic == "alarms"
    samples = [
        (sample.name, tuple(sorted(sample.labels.items())), sample.value)
        for family in text_string_to_metric_families(render_all(store).decode())
        for sample in family.samples
    ]
    assert len({sample[:2] for sample in samples}) == len(samples)
    counted = sum(value for name, _, value in samples if name == "mist_webhook_events_total")
    assert counted >= len(events) if topic == "occupancy-alerts" else counted == len(events)
