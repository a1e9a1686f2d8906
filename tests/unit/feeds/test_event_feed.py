"""Webhook events: one case per topic, and what all topics have in common."""

from __future__ import annotations

import pytest

from collector.catalog.events import EVENTS, TABLES
from collector.feeds.reference import reference
from collector.feeds.router import FeedRouter
from collector.metrics.text_format import render_all
from collector.mist.directories import Directories
from collector.mist.directory import Directory, Org, Site
from collector.mist.topics import TOPICS
from tests.support.feeds import AT, HERE, send, series


@pytest.fixture
def router():
    return FeedRouter()


VIOLATION = "COMPLIANCE-VIOLATION"

# topic, event, series in addition to the common counter
CASES = {
    "audits": ({"message": 'Update Site "x"', "admin_name": "Jo", "src_ip": "192.0.2.1"}, {}),
    "client-join": (
        {"ssid": "corp", "band": "24", "mac": "a", "client_username": "jo"},
        {f'mist_client_joins_total{{{HERE},ssid="corp",band="2.4"}}': 1},
    ),
    "guest-authorizations": (
        {"ssid": "guest", "auth_method": "Passphrase", "name": "Jo", "email": "jo@example.com", "client": "a"},
        {f'mist_client_guest_authorizations_total{{{HERE},ssid="guest",auth_method="passphrase"}}': 1},
    ),
    "nac-events": (
        {"type": "NAC_CLIENT_DENY", "auth_type": "eap-tls", "port_type": "wired", "username": "jo"},
        {f'mist_nac_events_total{{{HERE},type="NAC_CLIENT_DENY",auth_type="eap-tls",client_type="wired"}}': 1},
    ),
    "mxedge-events": (
        {"type": "ME_PSU_UNPLUGGED", "severity": "critical", "component": "PS1", "service": None},
        {f'mist_mxedge_events_total{{{HERE},type="ME_PSU_UNPLUGGED",severity="critical",component="PS1"}}': 1},
    ),
    "device-events": (
        {"type": "AP_RESTARTED", "device_type": "ap", "reason": "power_cycle", "mac": "5c5b35000001"},
        {
            f'mist_webhook_event_reasons_total{{{HERE},device_type="ap",type="AP_RESTARTED",reason="power_cycle"}}': 1,
        },
    ),
    "zone": (
        {"zone_id": "z", "trigger": "enter", "type": "wifi", "mac": "a"},
        {f'mist_zone_crossings_total{{{HERE},zone_id="z",trigger="enter",type="wifi"}}': 1},
    ),
    "rssizone": (
        {"rssizone_id": "r", "trigger": "exit", "type": "asset", "mac": "a"},
        {f'mist_rssizone_crossings_total{{{HERE},rssizone_id="r",trigger="exit",type="asset"}}': 1},
    ),
    "minis-application": (
        {"probe_name": "dns", "vlan": 7, "test_type": "curl", "success": False, "latency": "74", "ip": "192.0.2.1"},
        {
            f'mist_minis_application_latency_seconds{{{HERE},probe="dns",vlan="7",test_type="curl"}}': 0.074,
            f'mist_minis_application_success{{{HERE},probe="dns",vlan="7",test_type="curl"}}': 0,
            f'mist_minis_application_tests_total{{{HERE},probe="dns",vlan="7",test_type="curl",outcome="failure"}}': 1,
        },
    ),
    "minis-reachability": (
        {"probe_name": "p", "vlan": 7, "protocol": "icmp", "avg_latency": 12.5, "loss_percentage": 25}
        | {"test_type": "ping"},
        {
            f'mist_minis_reachability_latency_seconds{{stat="avg",{HERE},probe="p",vlan="7",protocol="icmp"}}': 0.0125,
            f'mist_minis_reachability_loss_ratio{{{HERE},probe="p",vlan="7",protocol="icmp"}}': 0.25,
        },
    ),
    "client-latency": (
        {"avg_dhcp": 0.02, "max_auth": "0.5", "min_dns": None},
        {
            f'mist_site_client_latency_seconds{{step="dhcp",stat="avg",{HERE}}}': 0.02,
            f'mist_site_client_latency_seconds{{step="auth",stat="max",{HERE}}}': 0.5,
        },
    ),
    "site-sle": (
        {"sle": {"coverage": 0.6, "unknown-sle": 1, "broken": "x"}},
        {
            f'mist_site_sle_ratio{{{HERE},sle="coverage"}}': 0.6,
            f'mist_site_sle_ratio{{{HERE},sle="unknown-sle"}}': 1,
        },
    ),
    "occupancy-alerts": (
        {"alert_events": [{"zone_id": "z", "current_occupancy": 10, "occupancy_limit": 5, "type": VIOLATION}]},
        {
            f'mist_zone_occupancy_alert_occupants{{{HERE},zone_id="z"}}': 10,
            f'mist_zone_occupancy_alert_limit{{{HERE},zone_id="z"}}': 5,
            f'mist_zone_occupancy_alert_state{{state="violation",{HERE},zone_id="z"}}': 1,
            f'mist_zone_occupancy_alert_state{{state="ok",{HERE},zone_id="z"}}': 0,
            f'mist_zone_occupancy_alert_state{{state="other",{HERE},zone_id="z"}}': 0,
        },
    ),
    "location": ({"type": "asset", "x": 1.5, "y": 2, "map_id": "m", "mac": "a"}, {}),
    "wifi-conn-raw": ({"client_id": "5c-5b-35-00-00-01", "packets": [{"band": "5GHz", "rssi": -60}]}, {}),
}  # fmt: skip

TYPES = {
    "audits": "update",
    "nac-events": "NAC_CLIENT_DENY",
    "mxedge-events": "ME_PSU_UNPLUGGED",
    "device-events": "AP_RESTARTED",
    "zone": "enter",
    "rssizone": "exit",
    "minis-application": "curl",
    "minis-reachability": "ping",
    "occupancy-alerts": "COMPLIANCE-VIOLATION",
    "location": "asset",
}


class TestTopics:
    """Each topic by its table."""

    @pytest.mark.parametrize("topic", CASES)
    def test_an_event_is_counted_and_updates_the_series_of_its_table(self, router, topic):
        event, expected = CASES[topic]
        send(router, topic, event)
        type_ = f',type="{TYPES[topic]}"' if topic in TYPES else ""
        assert series(router) == {f'mist_webhook_events_total{{{HERE},topic="{topic}"{type_}}}': 1, **expected}

    @pytest.mark.parametrize("topic", TOPICS)
    def test_every_topic_counts_an_empty_event(self, router, topic):
        send(router, topic, {})
        assert series(router, "mist_webhook_events_total") == {
            f'mist_webhook_events_total{{{HERE},topic="{topic}"}}': 1
        }

    def test_every_topic_has_a_row(self):
        assert set(TABLES) == set(TOPICS)

    def test_the_reference_names_every_topic(self):
        family = next(one for one in reference()["families"] if one["name"] == EVENTS.families[0].name)
        assert {source["object"] for source in family["sources"]} == {f"webhook:{topic}" for topic in TOPICS}

    def test_an_unknown_topic_is_counted_as_other(self, router):
        send(router, "weather", {"type": "rain"})
        send(router, "tides", {"type": "ebb"})
        assert series(router) == {
            f'mist_webhook_events_total{{{HERE},topic="other",type="rain"}}': 1,
            f'mist_webhook_events_total{{{HERE},topic="other",type="ebb"}}': 1,
        }
        assert router.refused_labels()["topic"] == 2

    def test_no_series_contains_personal_data(self, router):
        for topic, (event, _) in CASES.items():
            send(router, topic, event)
        text = render_all(router.store).decode()
        assert not [
            word for word in ("Jo", "jo", "192.0.2.1", '"a"', "Site") if f'"{word}"' in text or word == "Jo" in text
        ]


class TestSessions:
    """Durations and totals."""

    def test_duration_of_a_session_by_reason_and_band(self, router):
        send(router, "client-sessions", {"duration": 279.8, "termination_reason": 3, "band": "5"})
        send(router, "client-sessions", {"duration": 20, "termination_reason": "3", "band": "5GHz"})
        row = f'{HERE},reason="roamed",band="5"'
        seen = series(router, "mist_client_session")
        assert seen[f"mist_client_session_duration_seconds_count{{{row}}}"] == 2
        assert seen[f"mist_client_session_duration_seconds_sum{{{row}}}"] == pytest.approx(299.8)
        assert seen[f'mist_client_session_duration_seconds_bucket{{{row},le="60.0"}}'] == 1

    def test_only_the_end_of_an_accounted_session_counts_its_totals(self, router):
        session = {"client_type": "wired", "rx_bytes": 100, "tx_pkts": 5}
        send(router, "nac-accounting", {**session, "type": "NAC_ACCOUNTING_UPDATE"})
        assert series(router, "mist_nac") == {}
        ended = {**session, "type": "NAC_ACCOUNTING_STOP", "terminate_cause": "User-Request"}
        send(router, "nac-accounting", ended, {**ended, "session_duration_in_mins": 2})
        row = f'{HERE},client_type="wired",terminate_cause="user-request"'
        seen = series(router, "mist_nac")
        assert seen[f"mist_nac_sessions_ended_total{{{row}}}"] == 2
        assert seen[f"mist_nac_sessions_receive_bytes_total{{{row}}}"] == 200
        assert seen[f"mist_nac_sessions_transmit_packets_total{{{row}}}"] == 10
        assert seen[f"mist_nac_session_duration_seconds_count{{{row}}}"] == 1
        assert seen[f"mist_nac_session_duration_seconds_sum{{{row}}}"] == 120

    def test_a_field_that_no_session_has_is_absent_not_zero(self, router):
        send(router, "nac-accounting", {"type": "NAC_ACCOUNTING_STOP", "rx_bytes": 3})
        assert set(series(router, "mist_nac")) == {
            f"mist_nac_sessions_ended_total{{{HERE}}}",
            f"mist_nac_sessions_receive_bytes_total{{{HERE}}}",
        }

    def test_a_total_does_not_decrease(self, router):
        send(router, "nac-accounting", {"type": "NAC_ACCOUNTING_STOP", "rx_bytes": 3})
        send(router, "nac-accounting", {"type": "NAC_ACCOUNTING_STOP", "rx_bytes": -2})
        assert series(router)[f"mist_nac_sessions_receive_bytes_total{{{HERE}}}"] == 3
        assert router.rejected_parts() == {("webhook:nac-accounting", "negative"): 1}


class TestOccupancy:
    """Alerts are elements of an event."""

    def test_each_alert_counts_as_an_event(self, router):
        zones = [{"zone_id": zone, "type": "COMPLIANCE-VIOLATION", "org_id": "o"} for zone in "abc"]
        router.open_topic("occupancy-alerts")({"site_id": "s", "alert_events": zones}, 0.0)
        assert series(router, "mist_webhook_events") == {
            f'mist_webhook_events_total{{{HERE},topic="occupancy-alerts",type="COMPLIANCE-VIOLATION"}}': 3
        }

    def test_a_zone_that_returns_below_its_limit(self, router):
        alert = {"zone_id": "z", "type": "COMPLIANCE-VIOLATION", "timestamp": AT}
        send(router, "occupancy-alerts", {"alert_events": [alert]})
        send(router, "occupancy-alerts", {"alert_events": [{**alert, "type": "COMPLIANCE-OK", "timestamp": AT + 60}]})
        assert series(router)[f'mist_zone_occupancy_alert_state{{state="ok",{HERE},zone_id="z"}}'] == 1
        assert series(router)[f'mist_zone_occupancy_alert_state{{state="violation",{HERE},zone_id="z"}}'] == 0

    @pytest.mark.parametrize(
        ("alerts", "reasons"),
        [
            (None, {}),
            ([], {}),
            ({"zone_id": "z"}, {"wrong_container": 1}),
            ("none", {"wrong_container": 1}),
            ([7, None], {"not_an_object": 2}),
        ],
    )
    def test_an_event_without_readable_alerts_is_counted_once(self, router, alerts, reasons):
        send(router, "occupancy-alerts", {"alert_events": alerts})
        assert series(router) == {f'mist_webhook_events_total{{{HERE},topic="occupancy-alerts"}}': 1}
        assert router.rejected_parts() == {("webhook:occupancy-alerts", why): n for why, n in reasons.items()}


class TestStates:
    """Gauges have the values of the latest event, for a time."""

    def test_an_absent_field_keeps_the_value_and_null_removes_it(self, router):
        send(router, "client-latency", {"avg_dhcp": 1, "avg_dns": 2})
        send(router, "client-latency", {"avg_dns": None, "avg_auth": 3})
        assert series(router, "mist_site_client_latency") == {
            f'mist_site_client_latency_seconds{{step="dhcp",stat="avg",{HERE}}}': 1,
            f'mist_site_client_latency_seconds{{step="auth",stat="avg",{HERE}}}': 3,
        }

    def test_an_older_event_that_arrives_late_changes_nothing(self, router):
        send(router, "site-sle", {"timestamp": AT, "sle": {"a": 0.5}}, {"timestamp": AT - 3600, "sle": {"a": 0.9}})
        assert series(router)[f'mist_site_sle_ratio{{{HERE},sle="a"}}'] == 0.5
        assert router.rejected_parts() == {("webhook:site-sle", "stale"): 1}

    def test_a_row_ends_at_its_time_to_live(self):
        clock = [0.0]
        router = FeedRouter(now=lambda: clock[0])
        send(router, "client-latency", {"avg_dhcp": 1, "timestamp": AT})
        clock[0] = 3600.0
        assert sum(router.sweep()) == 0
        clock[0] = 3600.5
        assert sum(router.sweep()) == 1
        assert series(router, "mist_site_client_latency") == {}
        send(router, "client-latency", {"avg_dhcp": 1, "timestamp": AT - 60})
        assert len(series(router, "mist_site_client_latency")) == 1

    def test_a_row_without_identity_is_rejected(self, router):
        send(router, "occupancy-alerts", {"alert_events": [{"current_occupancy": 3}]})
        router.open_topic("client-latency")({"avg_dhcp": 3}, 0.0)
        assert set(series(router)) == {
            f'mist_webhook_events_total{{{HERE},topic="occupancy-alerts"}}',
            'mist_webhook_events_total{topic="client-latency"}',
        }
        assert router.rejected_parts() == {
            ("webhook:occupancy-alerts", "no_identity"): 1,
            ("webhook:client-latency", "no_identity"): 1,
        }

    @pytest.mark.parametrize(("type_", "up"), [("ME_CONNECTED", 1.0), ("ME_DISCONNECTED", 0.0)])
    def test_the_state_of_a_mist_edge(self, router, type_, up):
        id_ = "00000000-0000-0000-1000-020000230522"
        send(router, "mxedge-events", {"type": type_, "mxedge_id": id_})
        labels = f'{HERE},mac="020000230522",device_type="mxedge"'
        assert series(router, "mist_device_up") == {f"mist_device_up{{{labels}}}": up}

    @pytest.mark.parametrize("mac", ["5C:5B:35:00:00:01", "5c-5b-35-00-00-01", "5c5b35000001"])
    def test_every_notation_of_a_mac_address_finds_the_device(self, router, mac):
        send(router, "device-updowns", {"type": "AP_DISCONNECTED", "ap": mac, "mac": ""})
        assert series(router, "mist_device_up") == {f'mist_device_up{{{HERE},mac="5c5b35000001",device_type="ap"}}': 0}


class TestDelay:
    """Delivery delay."""

    @pytest.mark.parametrize(
        ("topic", "event"),
        [
            ("device-events", {"timestamp": AT}),
            ("device-events", {"timestamp": float(AT)}),
            ("mxedge-events", {"timestamp": str(AT)}),
            ("nac-accounting", {"timestamp": AT * 1000}),
            ("alarms", {"last_seen": "2023-11-14T22:13:20Z", "timestamp": AT - 3600}),
            ("alarms", {"last_seen": None, "timestamp": AT}),
            ("guest-authorizations", {"authorized_time": AT}),
            ("sdkclient-scan-data", {"last_seen": AT}),
            ("client-sessions", {"disconnect": AT, "timestamp": AT + 9}),
            ("occupancy-alerts", {"alert_events": [{"timestamp": AT}, {"timestamp": AT - 99}]}),
        ],
    )
    def test_it_is_observed_once_per_event(self, router, topic, event):
        send(router, topic, event, now=AT + 4.5)
        seen = series(router, "mist_webhook_delivery_delay")
        assert seen[f'mist_webhook_delivery_delay_seconds_count{{topic="{topic}"}}'] == 1
        assert seen[f'mist_webhook_delivery_delay_seconds_sum{{topic="{topic}"}}'] == 4.5

    @pytest.mark.parametrize("event", [{}, {"timestamp": None}, {"timestamp": 0}, {"timestamp": ""}])
    def test_an_event_without_a_time_is_not_observed(self, router, event):
        send(router, "device-events", event, now=AT)
        assert series(router, "mist_webhook_delivery_delay") == {}
        assert router.rejected_parts() == {}

    def test_a_malformed_time_is_counted(self, router):
        send(router, "audits", {"timestamp": "yesterday"}, now=AT)
        assert series(router, "mist_webhook_delivery_delay") == {}
        assert router.rejected_parts() == {("webhook:audits", "not_a_time"): 1}

    def test_a_clock_that_is_behind_gives_no_negative_delay(self, router):
        send(router, "audits", {"timestamp": AT + 3}, now=AT)
        assert series(router)['mist_webhook_delivery_delay_seconds_sum{topic="audits"}'] == 0

    def test_a_replay_has_no_delay(self, router):
        send(router, "audits", {"timestamp": AT}, now=0.0)
        assert series(router, "mist_webhook_delivery_delay") == {}


class TestInventory:
    """Series start and end with their site."""

    def test_counters_used_in_alerts_start_at_zero(self):
        directory = Directory()
        router = FeedRouter(Directories(directory))
        router.changed(directory.replace([Org("o")], [Site("s", "o", "HQ")], []))
        initial = series(router, "mist_webhook") | series(router, "mist_alarms")
        assert set(initial.values()) == {0}
        assert len(initial) == 26  # 22 of the site, 4 of the org
        for topic, type_ in (
            ("device-updowns", "AP_DISCONNECTED"),
            ("device-events", "SW_DISCONNECTED"),
            ("device-events", "AP_RADAR_DETECTED"),
            ("nac-events", "NAC_CLIENT_DENY"),
            ("nac-events", "NAC_CLIENT_PERMIT"),
        ):
            assert f'mist_webhook_events_total{{{HERE},topic="{topic}",type="{type_}"}}' in initial
        assert 'mist_webhook_events_total{org_id="o",topic="mxedge-events",type="ME_DISCONNECTED"}' in initial
        assert f'mist_alarms_total{{{HERE},group="infrastructure",severity="warn",type="switch_down"}}' in initial

    def test_the_series_of_a_removed_site_end(self):
        directory = Directory()
        router = FeedRouter(Directories(directory))
        router.changed(directory.replace([Org("o")], [Site("s", "o", "HQ"), Site("t", "o", "Lab")], []))
        before = len(series(router, 'mist_webhook_events_total{org_id="o",site_id="t"'))
        for topic, (event, _) in CASES.items():
            send(router, topic, event)
        router.changed(directory.replace([Org("o")], [Site("t", "o", "Lab")], []))
        assert not [series for series in series(router) if 'site_id="s"' in series]
        assert len(series(router, 'mist_webhook_events_total{org_id="o",site_id="t"')) == before

    def test_the_org_is_that_of_the_inventory(self):
        directory = Directory()
        router = FeedRouter(Directories(directory))
        router.changed(directory.replace([Org("real")], [Site("s", "real", "HQ")], []))
        router.open_topic("ping")({"site_id": "s", "org_id": "another"}, 0.0)
        router.open_topic("ping")({"siteid": "s"}, 0.0)
        assert series(router)['mist_webhook_events_total{org_id="real",site_id="s",topic="ping"}'] == 2
