"""Webhook events in, series out: one case a topic, and what all topics have in common."""

from __future__ import annotations

import pytest

from collector.catalog.events import EVENTS, TABLES
from collector.feeds.reference import reference
from collector.feeds.router import FeedRouter
from collector.metrics.text_format import render_all
from collector.mist.directories import Directories
from collector.mist.directory import Directory, Org, Site
from collector.mist.topics import TOPICS

AT = 1_700_000_000
PLACE = {"org_id": "o", "site_id": "s"}
HERE = 'org_id="o",site_id="s"'


def told(catalog, prefix=""):
    """Series -> value, of the families that begin so."""
    lines = render_all(catalog.store).decode().split("\n")
    pairs = (line.rsplit(" ", 1) for line in lines if line.startswith(prefix) and line[:1] not in {"#", ""})
    return {series: float(value) for series, value in pairs}


def send(catalog, topic, *events, now=0.0):
    apply = catalog.open_topic(topic)
    assert [apply({**PLACE, **event}, now) for event in events] == [None] * len(events)


@pytest.fixture
def catalog():
    return FeedRouter()


VIOLATION = "COMPLIANCE-VIOLATION"

# topic, event, what is told of it beside the common counter
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
        {"sle": {"coverage": 0.6, "never-heard-of": 1, "broken": "x"}},
        {
            f'mist_site_sle_ratio{{{HERE},sle="coverage"}}': 0.6,
            f'mist_site_sle_ratio{{{HERE},sle="never-heard-of"}}': 1,
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
    def test_an_event_is_counted_and_tells_what_its_table_says(self, catalog, topic):
        event, expected = CASES[topic]
        send(catalog, topic, event)
        type_ = f',type="{TYPES[topic]}"' if topic in TYPES else ""
        assert told(catalog) == {f'mist_webhook_events_total{{{HERE},topic="{topic}"{type_}}}': 1, **expected}

    @pytest.mark.parametrize("topic", TOPICS)
    def test_every_topic_counts_an_event_that_says_nothing(self, catalog, topic):
        send(catalog, topic, {})
        assert told(catalog, "mist_webhook_events_total") == {f'mist_webhook_events_total{{{HERE},topic="{topic}"}}': 1}

    def test_every_topic_has_a_row(self):
        assert set(TABLES) == set(TOPICS)

    def test_the_reference_names_every_topic(self):
        family = next(one for one in reference()["families"] if one["name"] == EVENTS.families[0].name)
        assert {source["object"] for source in family["sources"]} == {f"webhook:{topic}" for topic in TOPICS}

    def test_an_unknown_topic_is_counted_as_other(self, catalog):
        send(catalog, "weather", {"type": "rain"})
        send(catalog, "tides", {"type": "ebb"})
        assert told(catalog) == {
            f'mist_webhook_events_total{{{HERE},topic="other",type="rain"}}': 1,
            f'mist_webhook_events_total{{{HERE},topic="other",type="ebb"}}': 1,
        }
        assert catalog.refused_labels()["topic"] == 2

    def test_nothing_personal_is_told(self, catalog):
        for topic, (event, _) in CASES.items():
            send(catalog, topic, event)
        text = render_all(catalog.store).decode() + repr(catalog.events.recent)
        assert not [
            word for word in ("Jo", "jo", "192.0.2.1", '"a"', "Site") if f'"{word}"' in text or word == "Jo" in text
        ]


class TestSessions:
    """Lengths and totals."""

    def test_the_length_of_a_session_by_reason_and_band(self, catalog):
        send(catalog, "client-sessions", {"duration": 279.8, "termination_reason": 3, "band": "5"})
        send(catalog, "client-sessions", {"duration": 20, "termination_reason": "3", "band": "5GHz"})
        row = f'{HERE},reason="roamed",band="5"'
        seen = told(catalog, "mist_client_session")
        assert seen[f"mist_client_session_duration_seconds_count{{{row}}}"] == 2
        assert seen[f"mist_client_session_duration_seconds_sum{{{row}}}"] == pytest.approx(299.8)
        assert seen[f'mist_client_session_duration_seconds_bucket{{{row},le="60.0"}}'] == 1

    def test_only_the_end_of_an_accounted_session_counts_its_totals(self, catalog):
        session = {"client_type": "wired", "rx_bytes": 100, "tx_pkts": 5}
        send(catalog, "nac-accounting", {**session, "type": "NAC_ACCOUNTING_UPDATE"})
        assert told(catalog, "mist_nac") == {}
        ended = {**session, "type": "NAC_ACCOUNTING_STOP", "terminate_cause": "User-Request"}
        send(catalog, "nac-accounting", ended, {**ended, "session_duration_in_mins": 2})
        row = f'{HERE},client_type="wired",terminate_cause="user-request"'
        seen = told(catalog, "mist_nac")
        assert seen[f"mist_nac_sessions_ended_total{{{row}}}"] == 2
        assert seen[f"mist_nac_sessions_receive_bytes_total{{{row}}}"] == 200
        assert seen[f"mist_nac_sessions_transmit_packets_total{{{row}}}"] == 10
        assert seen[f"mist_nac_session_duration_seconds_count{{{row}}}"] == 1
        assert seen[f"mist_nac_session_duration_seconds_sum{{{row}}}"] == 120

    def test_what_no_session_said_is_a_hole_not_zero(self, catalog):
        send(catalog, "nac-accounting", {"type": "NAC_ACCOUNTING_STOP", "rx_bytes": 3})
        assert set(told(catalog, "mist_nac")) == {
            f"mist_nac_sessions_ended_total{{{HERE}}}",
            f"mist_nac_sessions_receive_bytes_total{{{HERE}}}",
        }

    def test_a_total_cannot_fall(self, catalog):
        send(catalog, "nac-accounting", {"type": "NAC_ACCOUNTING_STOP", "rx_bytes": 3})
        send(catalog, "nac-accounting", {"type": "NAC_ACCOUNTING_STOP", "rx_bytes": -2})
        assert told(catalog)[f"mist_nac_sessions_receive_bytes_total{{{HERE}}}"] == 3
        assert catalog.rejected_parts() == {("webhook:nac-accounting", "negative"): 1}


class TestOccupancy:
    """One level deeper."""

    def test_each_alert_counts_as_an_event(self, catalog):
        zones = [{"zone_id": zone, "type": "COMPLIANCE-VIOLATION", "org_id": "o"} for zone in "abc"]
        catalog.open_topic("occupancy-alerts")({"site_id": "s", "alert_events": zones}, 0.0)
        assert told(catalog, "mist_webhook_events") == {
            f'mist_webhook_events_total{{{HERE},topic="occupancy-alerts",type="COMPLIANCE-VIOLATION"}}': 3
        }

    def test_a_zone_that_keeps_its_limit_again(self, catalog):
        alert = {"zone_id": "z", "type": "COMPLIANCE-VIOLATION", "timestamp": AT}
        send(catalog, "occupancy-alerts", {"alert_events": [alert]})
        send(catalog, "occupancy-alerts", {"alert_events": [{**alert, "type": "COMPLIANCE-OK", "timestamp": AT + 60}]})
        assert told(catalog)[f'mist_zone_occupancy_alert_state{{state="ok",{HERE},zone_id="z"}}'] == 1
        assert told(catalog)[f'mist_zone_occupancy_alert_state{{state="violation",{HERE},zone_id="z"}}'] == 0

    @pytest.mark.parametrize(
        ("alerts", "reasons"),
        [
            (None, {}),
            ([], {}),
            ({"zone_id": "z"}, {"wrong_container": 2}),
            ("none", {"wrong_container": 2}),
            ([7, None], {"not_an_object": 4}),
        ],
    )
    def test_an_event_without_readable_alerts_is_counted_once(self, catalog, alerts, reasons):
        send(catalog, "occupancy-alerts", {"alert_events": alerts})
        assert told(catalog) == {f'mist_webhook_events_total{{{HERE},topic="occupancy-alerts"}}': 1}
        assert catalog.rejected_parts() == {("webhook:occupancy-alerts", why): n for why, n in reasons.items()}


class TestStates:
    """What the latest event said, for a time."""

    def test_absent_keeps_and_null_makes_a_hole(self, catalog):
        send(catalog, "client-latency", {"avg_dhcp": 1, "avg_dns": 2})
        send(catalog, "client-latency", {"avg_dns": None, "avg_auth": 3})
        assert told(catalog, "mist_site_client_latency") == {
            f'mist_site_client_latency_seconds{{step="dhcp",stat="avg",{HERE}}}': 1,
            f'mist_site_client_latency_seconds{{step="auth",stat="avg",{HERE}}}': 3,
        }

    def test_an_older_event_that_comes_late_changes_nothing(self, catalog):
        send(catalog, "site-sle", {"timestamp": AT, "sle": {"a": 0.5}}, {"timestamp": AT - 3600, "sle": {"a": 0.9}})
        assert told(catalog)[f'mist_site_sle_ratio{{{HERE},sle="a"}}'] == 0.5
        assert catalog.rejected_parts() == {("webhook:site-sle", "stale"): 1}

    def test_it_ends_when_nobody_tells_it_again(self):
        clock = [0.0]
        catalog = FeedRouter(now=lambda: clock[0])
        send(catalog, "client-latency", {"avg_dhcp": 1, "timestamp": AT})
        clock[0] = 3600.0
        assert sum(catalog.sweep()) == 0
        clock[0] = 3600.5
        assert sum(catalog.sweep()) == 1
        assert told(catalog, "mist_site_client_latency") == {}
        send(catalog, "client-latency", {"avg_dhcp": 1, "timestamp": AT - 60})
        assert len(told(catalog, "mist_site_client_latency")) == 1

    def test_a_row_belongs_to_something(self, catalog):
        send(catalog, "occupancy-alerts", {"alert_events": [{"current_occupancy": 3}]})
        catalog.open_topic("client-latency")({"avg_dhcp": 3}, 0.0)
        assert set(told(catalog)) == {
            f'mist_webhook_events_total{{{HERE},topic="occupancy-alerts"}}',
            'mist_webhook_events_total{topic="client-latency"}',
        }
        assert catalog.rejected_parts() == {
            ("webhook:occupancy-alerts", "no_identity"): 1,
            ("webhook:client-latency", "no_identity"): 1,
        }

    @pytest.mark.parametrize(("type_", "up"), [("ME_CONNECTED", 1.0), ("ME_DISCONNECTED", 0.0)])
    def test_a_mist_edge_is_up_or_down_at_once(self, catalog, type_, up):
        id_ = "00000000-0000-0000-1000-020000230522"
        send(catalog, "mxedge-events", {"type": type_, "mxedge_id": id_})
        series = f'mist_device_up{{{HERE},mac="020000230522",device_type="mxedge"}}'
        assert told(catalog, "mist_device_up") == {series: up}

    @pytest.mark.parametrize("mac", ["5C:5B:35:00:00:01", "5c-5b-35-00-00-01", "5c5b35000001"])
    def test_a_device_is_found_by_its_mac_however_it_is_written(self, catalog, mac):
        send(catalog, "device-updowns", {"type": "AP_DISCONNECTED", "ap": mac, "mac": ""})
        assert told(catalog, "mist_device_up") == {f'mist_device_up{{{HERE},mac="5c5b35000001",device_type="ap"}}': 0}


class TestDelay:
    """From the event's own time to its arrival."""

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
    def test_it_is_observed_once_an_event(self, catalog, topic, event):
        send(catalog, topic, event, now=AT + 4.5)
        seen = told(catalog, "mist_webhook_delivery_delay")
        assert seen[f'mist_webhook_delivery_delay_seconds_count{{topic="{topic}"}}'] == 1
        assert seen[f'mist_webhook_delivery_delay_seconds_sum{{topic="{topic}"}}'] == 4.5

    @pytest.mark.parametrize("event", [{}, {"timestamp": None}, {"timestamp": 0}, {"timestamp": ""}])
    def test_an_event_without_a_time_is_not_observed(self, catalog, event):
        send(catalog, "device-events", event, now=AT)
        assert told(catalog, "mist_webhook_delivery_delay") == {}
        assert catalog.rejected_parts() == {}

    def test_a_time_that_cannot_be_read_is_counted(self, catalog):
        send(catalog, "audits", {"timestamp": "yesterday"}, now=AT)
        assert told(catalog, "mist_webhook_delivery_delay") == {}
        assert catalog.rejected_parts() == {("webhook:audits", "not_a_time"): 1}

    def test_a_clock_that_is_behind_makes_no_negative_delay(self, catalog):
        send(catalog, "audits", {"timestamp": AT + 3}, now=AT)
        assert told(catalog)['mist_webhook_delivery_delay_seconds_sum{topic="audits"}'] == 0

    def test_a_replay_knows_no_arrival(self, catalog):
        send(catalog, "audits", {"timestamp": AT}, now=0.0)
        assert told(catalog, "mist_webhook_delivery_delay") == {}


class TestInventory:
    """Series begin and end with their site."""

    def test_what_alerts_rely_on_begins_at_zero(self):
        directory = Directory()
        catalog = FeedRouter(Directories(directory))
        catalog.changed(directory.replace([Org("o")], [Site("s", "o", "HQ")], []))
        born = told(catalog, "mist_webhook") | told(catalog, "mist_alarms")
        assert set(born.values()) == {0}
        assert len(born) == 26  # what one site (22) and one org (4) cost before anything happened
        for topic, type_ in (
            ("device-updowns", "AP_DISCONNECTED"),
            ("device-events", "SW_DISCONNECTED"),
            ("device-events", "AP_RADAR_DETECTED"),
            ("nac-events", "NAC_CLIENT_DENY"),
            ("nac-events", "NAC_CLIENT_PERMIT"),
        ):
            assert f'mist_webhook_events_total{{{HERE},topic="{topic}",type="{type_}"}}' in born
        assert 'mist_webhook_events_total{org_id="o",topic="mxedge-events",type="ME_DISCONNECTED"}' in born
        assert f'mist_alarms_total{{{HERE},group="infrastructure",severity="warn",type="switch_down"}}' in born

    def test_a_site_that_is_gone_takes_everything_along(self):
        directory = Directory()
        catalog = FeedRouter(Directories(directory))
        catalog.changed(directory.replace([Org("o")], [Site("s", "o", "HQ"), Site("t", "o", "Lab")], []))
        before = len(told(catalog, 'mist_webhook_events_total{org_id="o",site_id="t"'))
        for topic, (event, _) in CASES.items():
            send(catalog, topic, event)
        catalog.changed(directory.replace([Org("o")], [Site("t", "o", "Lab")], []))
        assert not [series for series in told(catalog) if 'site_id="s"' in series]
        assert len(told(catalog, 'mist_webhook_events_total{org_id="o",site_id="t"')) == before

    def test_the_org_is_the_inventory_s(self):
        directory = Directory()
        catalog = FeedRouter(Directories(directory))
        catalog.changed(directory.replace([Org("real")], [Site("s", "real", "HQ")], []))
        catalog.open_topic("ping")({"site_id": "s", "org_id": "said"}, 0.0)
        catalog.open_topic("ping")({"siteid": "s"}, 0.0)
        assert told(catalog)['mist_webhook_events_total{org_id="real",site_id="s",topic="ping"}'] == 2
