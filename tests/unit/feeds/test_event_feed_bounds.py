"""Labels stay bounded, rubbish is counted, what Mist lists is known by name."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from collector.catalog import event_rules
from collector.catalog.events import TABLES
from collector.feeds import event_feed
from collector.feeds.event_feed import EventFeed
from collector.feeds.router import FeedRouter
from collector.metrics.store import Store
from collector.metrics.text_format import render_all
from collector.mist.directories import Directories
from collector.mist.topics import TOPICS
from tests.unit.feeds.test_event_feed import HERE, send, told


@pytest.fixture
def catalog():
    return FeedRouter()


class TestCaps:
    """Beyond its cap a value is `other`."""

    def test_types_of_a_topic(self, catalog):
        cap = TABLES["device-events"].type.unknown
        send(catalog, "device-events", *({"type": f"T{number}"} for number in range(cap + 50)))
        assert told(catalog)[f'mist_webhook_events_total{{{HERE},topic="device-events",type="other"}}'] == 50
        assert len(told(catalog, "mist_webhook_events_total")) == cap + 1
        assert catalog.refused_labels()["type"] == 50

    def test_one_topic_leaves_another_its_types(self, catalog):
        cap = TABLES["device-events"].type.unknown
        send(catalog, "device-events", *({"type": f"T{number}"} for number in range(cap + 1)))
        send(catalog, "mxedge-events", {"type": "ME_NEW"})
        assert f'mist_webhook_events_total{{{HERE},topic="mxedge-events",type="ME_NEW"}}' in told(catalog)

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
    def test_labels_of_a_topic(self, catalog, topic, field, family, cap):
        send(catalog, topic, *({field: f"v{number}"} for number in range(cap + 3)))
        seen = told(catalog, family)
        assert len(seen) == cap + 1
        assert seen[f'{family}{{{HERE},{field}="other"}}'] == 3
        assert catalog.refused_labels()[field] == 3

    def test_a_value_called_other_is_not_refused(self, catalog):
        send(catalog, "client-join", {"ssid": "other"}, {"ssid": "other"})
        assert catalog.refused_labels().get("ssid", 0) == 0

    def test_sites_and_orgs_that_nobody_listed(self, catalog):
        apply = catalog.open_topic("ping")
        for number in range(event_feed.UNKNOWN_SITES + 5):
            apply({"site_id": f"s{number}", "org_id": f"o{number}"}, 0.0)
        assert told(catalog)['mist_webhook_events_total{org_id="other",site_id="other",topic="ping"}'] == 5
        refused = catalog.refused_labels()
        assert refused["site_id"] == 5
        assert refused["org_id"] == event_feed.UNKNOWN_SITES + 5 - event_feed.UNKNOWN_ORGS

    def test_a_state_of_a_site_beyond_the_cap_is_left_out_not_mixed(self, catalog, monkeypatch):
        monkeypatch.setattr(catalog.events, "where", lambda _part: ("o", "other"))
        send(catalog, "client-latency", {"avg_dhcp": 1})
        assert told(catalog, "mist_site_client_latency") == {}
        assert catalog.rejected_parts() == {("webhook:client-latency", "too_many_rows"): 1}

    def test_rows_of_a_state(self, catalog):
        alerts = [{"zone_id": str(number), "current_occupancy": 1} for number in range(event_rules.MAX_GAUGE_ROWS + 2)]
        send(catalog, "occupancy-alerts", {"alert_events": alerts})
        assert len(told(catalog, "mist_zone_occupancy_alert_occupants")) == event_rules.MAX_GAUGE_ROWS
        assert catalog.rejected_parts() == {("webhook:occupancy-alerts", "too_many_rows"): 2}

    def test_rows_of_a_counter(self, catalog, monkeypatch):
        counts = catalog.events._topics["client-join"].counts[0]
        monkeypatch.setattr(counts, "rule", dataclasses.replace(counts.rule, max_rows=2))
        send(catalog, "client-join", *({"ssid": str(number % 4), "band": "5"} for number in range(8)))
        assert told(catalog, "mist_client_joins") == {
            f'mist_client_joins_total{{{HERE},ssid="0",band="5"}}': 2,
            f'mist_client_joins_total{{{HERE},ssid="1",band="5"}}': 2,
            f'mist_client_joins_total{{{HERE},ssid="other",band="other"}}': 4,
        }

    def test_a_word_that_is_no_verb_is_not_told(self, catalog):
        send(catalog, "audits", {"message": "Jo Doe was here"}, {"message": "   "}, {"message": "Delete WLAN x"})
        assert set(told(catalog)) == {
            f'mist_webhook_events_total{{{HERE},topic="audits",type="other"}}',
            f'mist_webhook_events_total{{{HERE},topic="audits"}}',
            f'mist_webhook_events_total{{{HERE},topic="audits",type="delete"}}',
        }


class TestTypeLists:
    """What Mist lists is known by name."""

    def test_listed_types_are_shown_though_the_cap_is_reached(self, catalog):
        cap = TABLES["alarms"].type.unknown
        send(catalog, "alarms", *({"type": f"T{number}"} for number in range(cap)))
        catalog.admit_types("alarms", ["device_down"])
        send(catalog, "alarms", {"type": "device_down"}, {"type": "unheard_of"})
        types = told(catalog, "mist_webhook_events_total")
        assert types[f'mist_webhook_events_total{{{HERE},topic="alarms",type="device_down"}}'] == 1
        assert types[f'mist_webhook_events_total{{{HERE},topic="alarms",type="other"}}'] == 1

    def test_a_list_without_end_is_cut(self, catalog):
        catalog.admit_types("alarms", (f"T{number}" for number in range(10_000)))
        shown = [catalog.events._topics["alarms"]._types.admit(f"T{number}") for number in range(10_000)]
        assert len(set(shown)) <= event_feed.KNOWN_TYPES + TABLES["alarms"].type.unknown + 1

    def test_a_topic_that_mist_lists_is_counted_by_its_name(self, catalog):
        catalog.admit_types("", ["alarms", "weather", *(f"new{number}" for number in range(1000))])
        send(catalog, "weather", {"type": "rain"})
        send(catalog, "new999", {})
        assert told(catalog) == {
            f'mist_webhook_events_total{{{HERE},topic="weather",type="rain"}}': 1,
            f'mist_webhook_events_total{{{HERE},topic="other"}}': 1,
        }

    def test_a_list_of_a_topic_that_does_not_exist(self, catalog):
        catalog.admit_types("client-events", ["A"])
        assert told(catalog) == {}


class TestRubbish:
    """The valid part is applied, the rest counted."""

    def test_a_label_that_is_no_text(self, catalog):
        send(catalog, "client-join", {"ssid": ["corp"], "band": {"a": 1}})
        assert told(catalog, "mist_client_joins") == {f"mist_client_joins_total{{{HERE}}}": 1}
        assert catalog.rejected_parts() == {("webhook:client-join", "not_text"): 2}

    def test_a_state_that_is_no_number(self, catalog):
        send(catalog, "client-latency", {"avg_dhcp": "soon", "avg_dns": 1, "avg_auth": [3]})
        assert told(catalog, "mist_site_client") == {
            f'mist_site_client_latency_seconds{{step="dns",stat="avg",{HERE}}}': 1
        }
        assert catalog.rejected_parts() == {("webhook:client-latency", "not_a_number"): 2}

    def test_a_list_where_a_map_is_expected(self, catalog):
        send(catalog, "site-sle", {"sle": [0.5]})
        assert told(catalog, "mist_site_sle") == {}
        assert catalog.rejected_parts() == {("webhook:site-sle", "wrong_container"): 1}

    def test_hostile_label_text(self, catalog):
        send(catalog, "client-join", {"ssid": 'a"b\\c\nd', "band": "5"}, {"ssid": "x" * 10_000})
        text = render_all(catalog.store).decode()
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


@given(
    st.sampled_from([*TOPICS, "unheard-of"]), st.lists(st.dictionaries(st.sampled_from(FIELDS), ANYTHING), max_size=4)
)
def test_whatever_an_event_holds_it_is_applied_and_the_exposition_stays_valid(topic, events):
    store, devices = Store(), SimpleNamespace(updown=lambda *_: None)
    apply = EventFeed(store, Directories(), devices, lambda: 0.0).topic(topic)
    for event in events:
        assert apply(json.loads(json.dumps(event)), 1.7e9) is None
    samples = [
        (sample.name, tuple(sorted(sample.labels.items())), sample.value)
        for family in text_string_to_metric_families(render_all(store).decode())
        for sample in family.samples
    ]
    assert len({sample[:2] for sample in samples}) == len(samples)
    counted = sum(value for name, _, value in samples if name == "mist_webhook_events_total")
    assert counted >= len(events) if topic == "occupancy-alerts" else counted == len(events)
