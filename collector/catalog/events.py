"""Tables of webhook topics: one row of `TABLES` per topic, and the families that its events update.

Label values come from small closed sets, or are limited in number. Values that identify a person (MAC address, user
name, IP address, text) are never labels. A topic that only needs `mist_webhook_events_total` has a row too, which makes
it a known topic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.catalog.alarms import is_open
from collector.catalog.ap import BANDS
from collector.catalog.event_rules import (
    KEY,
    SITE_LABELS,
    VALUE,
    WEBHOOK,
    LabelRule,
    StateUpdate,
    TopicTable,
    counter_rule,
    gauge_rule,
)
from collector.metrics.model import PERCENT, Counter, Entity, Flag, Gauge, Histogram, Scale, StateSet
from collector.metrics.values import flag

if TYPE_CHECKING:
    from collector.catalog.event_rules import Part

MILLI = Scale(per=1000.0)
MINUTES = Scale(times=60.0)

# All topics

EVENTS = Entity(
    "webhook_events",
    of=WEBHOOK,
    labels=(*SITE_LABELS, "topic", "type"),
    ttl_s=None,
    families=(
        Counter(
            "mist_webhook_events_total",
            None,
            "Total number of webhook events received, including alarm updates and without duplicate deliveries.",
        ),
    ),
)
DELAYS = Entity(
    "webhook_delays",
    of=WEBHOOK,
    labels=("topic",),
    ttl_s=None,
    families=(
        Histogram(
            "mist_webhook_delivery_delay_seconds",
            "Delay of webhook events from the event timestamp to their delivery.",
            (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 14400.0),
        ),
    ),
)
DELAY = "mist_webhook_delivery_delay_seconds"


# Label values: text of the field -> label value


def lower(text: str) -> str:
    """Return the text in lower case; Mist uses both cases."""
    return text.lower()


def band(text: str) -> str:
    """Return the band as "2.4", "5" or "6"; events contain "24", "2.4" or "5GHz"."""
    name = text.lower().removesuffix("ghz").strip()
    return BANDS.get(name, name)


def termination_reason(text: str) -> str:
    """Return the name of a termination reason code of a client session."""
    return {"1": "disassociate", "2": "inactive", "3": "roamed"}.get(text, text)


def outcome(text: str) -> str:
    """Return the outcome of a test as "success" or "failure"."""
    return {"true": "success", "1": "success", "false": "failure", "0": "failure"}.get(text.lower(), text)


def first_word(text: str) -> str:
    """Return the first word of an audit message, which is a verb; the rest may contain names of persons."""
    return text.split(maxsplit=1)[0].lower() if text.strip() else ""


# Conditions


def is_new(part: Part) -> bool:
    """Return whether the alarm is new: neither an update nor a resolution of an earlier alarm."""
    return flag(part.get("update")) is not True and is_open(part) is not False


def has_reason(part: Part) -> bool:
    """Return whether the event has a reason."""
    return bool(part.get("reason"))


def has_ended(part: Part) -> bool:
    """Return whether the event ends a session; only then the totals of the session are final."""
    return str(part.get("type")).endswith("_STOP")


# Labels

SSID = LabelRule("ssid", unknown=200, transient=True)
BAND = LabelRule("band", band, known=("2.4", "5", "6"), unknown=5)
ALARM_GROUP = LabelRule("group", lower, known=("infrastructure", "security", "marvis"), unknown=10)
ALARM_SEVERITY = LabelRule("severity", lower, known=("info", "warn", "critical"), unknown=5)
NAC_LABELS = {
    "auth_type": LabelRule("auth_type", known=("cert", "device-auth", "eap-teap", "eap-tls", "eap-ttls", "eap-peap", "idp", "mab"), unknown=20),
    "client_type": LabelRule(("client_type", "port_type"), known=("wireless", "wired", "vty"), unknown=5),
}  # fmt: skip
TRIGGER = LabelRule("trigger", lower, known=("enter", "exit"), unknown=3)
LOCATION_TYPE = LabelRule("type", known=("sdk", "wifi", "asset"), unknown=5)
PROBE_LABELS = {
    "probe": LabelRule("probe_name", unknown=200, transient=True),
    "vlan": LabelRule("vlan", unknown=200, transient=True),
}
TYPE = LabelRule("type", unknown=200)
AUDIT_VERB = LabelRule(
    "message",
    first_word,
    known=(
        "accessed", "add", "added", "apply", "assign", "bounce", "claim", "create", "created", "delete", "deleted",
        "disable", "enable", "invite", "login", "logout", "move", "reboot", "remove", "replace", "reset", "restart", "revoke",
        "unassign", "unclaim", "update", "updated", "upgrade",
    ),
    unknown=0,
)  # fmt: skip

# Counters

NEW_ALARMS = counter_rule(
    "alarms",
    Counter(
        "mist_alarms_total", None, "Total number of new alarms received by webhook, without updates and resolutions."
    ),
    labels={"group": ALARM_GROUP, "severity": ALARM_SEVERITY, "type": TYPE},
    condition=is_new,
    # types used in alerts: seven rows per site
    initial_zero=(
        *(("infrastructure", "warn", f"{device}_down") for device in ("device", "switch", "gateway")),
        *(("infrastructure", "critical", f"infra_{service}_failure") for service in ("dhcp", "dns", "arp")),
        ("infrastructure", "warn", "vpn_peer_down"),
    ),
)
DEVICE_REASONS = counter_rule(
    "event_reasons",
    Counter(
        "mist_webhook_event_reasons_total",
        None,
        "Total number of device events with a reason, by device type, event type and reason.",
    ),
    labels={
        "device_type": LabelRule("device_type", lower, known=("ap", "switch", "gateway"), unknown=5),
        "type": TYPE,
        "reason": LabelRule("reason", unknown=100),
    },
    condition=has_reason,
)
MXEDGE_EVENTS = counter_rule(
    "mxedge_events",
    Counter(
        "mist_mxedge_events_total",
        None,
        "Total number of Mist Edge events received by webhook, by type, severity, service and component.",
    ),
    labels={
        "type": TYPE,
        "severity": LabelRule("severity", lower, known=("normal", "warning", "high", "critical"), unknown=5),
        "service": LabelRule("service"),
        "component": LabelRule("component"),
    },
)
JOINS = counter_rule(
    "client_joins",
    Counter("mist_client_joins_total", None, "Total number of wireless client associations, by SSID and band."),
    labels={"ssid": SSID, "band": BAND},
)
SESSIONS = counter_rule(
    "client_sessions",
    Histogram(
        "mist_client_session_duration_seconds",
        "Duration of ended wireless client sessions, by termination reason; a roam ends a session.",
        (10.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 28800.0, 86400.0),
        reads=("duration",),
    ),
    labels={
        "reason": LabelRule(
            "termination_reason", termination_reason, known=("disassociate", "inactive", "roamed"), unknown=5
        ),
        "band": BAND,
    },
)
NAC_EVENTS = counter_rule(
    "nac_events",
    Counter(
        "mist_nac_events_total", None, "Total number of NAC decisions and events, by type (permit, deny and others)."
    ),
    labels={"type": LabelRule("type", unknown=100), **NAC_LABELS},
)
NAC_SESSIONS = counter_rule(
    "nac_sessions",
    Counter("mist_nac_sessions_ended_total", None, "Total number of ended NAC sessions, by termination cause."),
    Counter(
        "mist_nac_sessions_receive_packets_total", "rx_pkts", "Total number of packets received in ended NAC sessions."
    ),
    Counter(
        "mist_nac_sessions_transmit_packets_total",
        "tx_pkts",
        "Total number of packets transmitted in ended NAC sessions.",
    ),
    Counter(
        "mist_nac_sessions_receive_bytes_total", "rx_bytes", "Total number of bytes received in ended NAC sessions."
    ),
    Counter(
        "mist_nac_sessions_transmit_bytes_total", "tx_bytes", "Total number of bytes transmitted in ended NAC sessions."
    ),
    Histogram(
        "mist_nac_session_duration_seconds",
        "Duration of ended NAC sessions.",
        (60.0, 900.0, 3600.0, 14400.0, 28800.0, 86400.0),
        reads=("session_duration_in_mins",),
    ),
    labels={
        "client_type": NAC_LABELS["client_type"],
        "terminate_cause": LabelRule("terminate_cause", lower, unknown=30),
    },
    condition=has_ended,
    scale=MINUTES,
)
GUESTS = counter_rule(
    "guest_authorizations",
    Counter(
        "mist_client_guest_authorizations_total",
        None,
        "Total number of guest authorizations by the captive portal, by SSID and authentication method.",
    ),
    labels={"ssid": SSID, "auth_method": LabelRule("auth_method", lower)},
)
ZONE_CROSSINGS = counter_rule(
    "zone_crossings",
    Counter(
        "mist_zone_crossings_total",
        None,
        "Total number of entries into and exits from the zone received by webhook, by trigger and type.",
    ),
    labels={"zone_id": LabelRule("zone_id", unknown=5000, transient=True), "trigger": TRIGGER, "type": LOCATION_TYPE},
)
RSSIZONE_CROSSINGS = counter_rule(
    "rssizone_crossings",
    Counter(
        "mist_rssizone_crossings_total",
        None,
        "Total number of entries into and exits from the RSSI zone received by webhook, by trigger and type.",
    ),
    labels={
        "rssizone_id": LabelRule("rssizone_id", unknown=5000, transient=True),
        "trigger": TRIGGER,
        "type": LOCATION_TYPE,
    },
)
APPLICATION_TESTS = counter_rule(
    "minis_application_tests",
    Counter("mist_minis_application_tests_total", None, "Total number of Marvis Minis application tests, by outcome."),
    labels={
        **PROBE_LABELS,
        "test_type": LabelRule("test_type"),
        "outcome": LabelRule("success", outcome, known=("success", "failure"), unknown=1),
    },
)

# Gauges

_TEST_TTL_S = 7200.0  # tests run at least once per hour (unverified); series survive one lost result
_LATENCY = "mist_site_client_latency_seconds"

APPLICATION = gauge_rule(
    "minis_application",
    Gauge("mist_minis_application_latency_seconds", "latency", "Latency of the last Marvis Minis application test.", MILLI),
    Flag("mist_minis_application_success", "success", "Whether the last Marvis Minis application test succeeded."),
    labels={**PROBE_LABELS, "test_type": LabelRule("test_type")},
    ttl_s=_TEST_TTL_S,
)  # fmt: skip
REACHABILITY = gauge_rule(
    "minis_reachability",
    *(
        Gauge("mist_minis_reachability_latency_seconds", f"{stat}_latency", "Latency of the last Marvis Minis reachability test, by statistic (min, avg, max).", MILLI, {"stat": stat})
        for stat in ("min", "avg", "max")
    ),
    Gauge("mist_minis_reachability_loss_ratio", "loss_percentage", "Packet loss of the last Marvis Minis reachability test.", PERCENT),
    labels={**PROBE_LABELS, "protocol": LabelRule("protocol", lower)},
    ttl_s=_TEST_TTL_S,
)  # fmt: skip
LATENCY = gauge_rule(
    "client_latency",
    *(
        Gauge(_LATENCY, f"{stat}_{step}", "Recent connection latency of wireless clients, by step (auth, dhcp, dns) and statistic.", labels={"step": step, "stat": stat})
        for step in ("auth", "dhcp", "dns")
        for stat in ("min", "avg", "max")
    ),
    ttl_s=3600.0,  # delivered every ten minutes
)  # fmt: skip
SLE = gauge_rule(
    "site_sle",
    Gauge("mist_site_sle_ratio", VALUE, "SLE of the site in the latest period reported by webhook: fraction of user time that met the service level expectation."),
    labels={"sle": LabelRule(KEY, unknown=50)},
    elements="sle.{name}",
    ttl_s=9000.0,  # delivered every hour; series survive one lost event
)  # fmt: skip
OCCUPANCY = gauge_rule(
    "zone_occupancy_alert",
    Gauge("mist_zone_occupancy_alert_occupants", "current_occupancy", "Number of occupants of the zone at its latest occupancy alert."),
    Gauge("mist_zone_occupancy_alert_limit", "occupancy_limit", "Occupancy limit of the zone at its latest occupancy alert, in occupants."),
    StateSet(
        "mist_zone_occupancy_alert_state",
        "type",
        "State of the latest occupancy alert of the zone: violation (limit exceeded) or ok (1 for the current state).",
        ("ok", "violation"),
        fold=lambda text: text.lower().removeprefix("compliance-"),
    ),
    labels={"zone_id": LabelRule("zone_id")},
    elements="alert_events[*]",
    ttl_s=7 * 86400.0,  # the state of a zone may last for days; after a week without an alert the series ends
)  # fmt: skip

# Topics

_PREFIXES = ("AP", "SW", "GW")
_UPDOWN_TYPES = tuple(f"{p}_{what}" for p in _PREFIXES for what in ("CONNECTED", "DISCONNECTED", "RESTARTED"))

TABLES = {
    table.name: table
    for table in (
        TopicTable("alarms", TYPE, time_fields=("last_seen", "timestamp"), counters=(NEW_ALARMS,), updates=StateUpdate.ALARM_OPEN),
        TopicTable("audits", AUDIT_VERB),
        TopicTable("device-events", TYPE, counters=(DEVICE_REASONS,), updates=StateUpdate.DEVICE_UP, initial_zero=(*(f"{p}_DISCONNECTED" for p in _PREFIXES), "AP_RADAR_DETECTED")),
        TopicTable("device-updowns", TYPE, updates=StateUpdate.DEVICE_UP, initial_zero=_UPDOWN_TYPES),
        TopicTable("mxedge-events", TYPE, counters=(MXEDGE_EVENTS,), updates=StateUpdate.DEVICE_UP, org_initial_zero=("ME_CONNECTED", "ME_DISCONNECTED", "ME_RESTARTED", "ME_SERVICE_FAILED")),
        TopicTable("client-join", counters=(JOINS,)),
        TopicTable("client-sessions", time_fields=("disconnect", "timestamp"), counters=(SESSIONS,)),
        TopicTable("client-info"),
        TopicTable("client-latency", gauges=(LATENCY,)),
        TopicTable("site-sle", gauges=(SLE,)),
        TopicTable("minis-application", LabelRule("test_type"), counters=(APPLICATION_TESTS,), gauges=(APPLICATION,)),
        TopicTable("minis-reachability", LabelRule("test_type"), gauges=(REACHABILITY,)),
        TopicTable("minis-network", LabelRule(("test_type", "type"))),  # no sample available
        TopicTable("nac-events", LabelRule("type", unknown=100), counters=(NAC_EVENTS,), initial_zero=("NAC_CLIENT_DENY", "NAC_CLIENT_PERMIT")),
        TopicTable("nac-accounting", LabelRule("type", known=tuple(f"NAC_ACCOUNTING_{what}" for what in ("START", "UPDATE", "STOP"))), counters=(NAC_SESSIONS,)),
        TopicTable("guest-authorizations", time_fields=("timestamp", "authorized_time"), counters=(GUESTS,)),
        TopicTable("occupancy-alerts", LabelRule("type", known=("COMPLIANCE-OK", "COMPLIANCE-VIOLATION"), unknown=10), elements="alert_events[*]", gauges=(OCCUPANCY,)),
        TopicTable("location", LOCATION_TYPE, updates=StateUpdate.POSITION),
        TopicTable("location-client", LOCATION_TYPE, updates=StateUpdate.POSITION),
        TopicTable("location-unclient", LOCATION_TYPE, updates=StateUpdate.POSITION),
        TopicTable("location-asset", LOCATION_TYPE, updates=StateUpdate.POSITION),
        TopicTable("location-sdk", LOCATION_TYPE, updates=StateUpdate.POSITION),
        TopicTable("location-centrak", LOCATION_TYPE, updates=StateUpdate.POSITION),
        TopicTable("zone", TRIGGER, counters=(ZONE_CROSSINGS,)),
        TopicTable("rssizone", TRIGGER, counters=(RSSIZONE_CROSSINGS,)),
        TopicTable("vbeacon", LabelRule(("trigger", "type"), unknown=10)),  # no sample available
        TopicTable("asset-raw"),
        TopicTable("asset-raw-rssi"),
        TopicTable("discovered-raw-rssi"),
        TopicTable("filtered-asset-rssi"),
        TopicTable("wifi-conn-raw"),
        TopicTable("wifi-unconn-raw"),
        TopicTable("sdkclient-scan-data", time_fields=("timestamp", "last_seen")),
        TopicTable("ping"),
    )
}  # fmt: skip

OTHER_TOPIC = TopicTable("other", TYPE)  # table of unknown topics

DEVICE_TYPES = {
    "AP": "ap",
    "SW": "switch",
    "GW": "gateway",
    "ME": "mxedge",
}  # prefix of the event type -> label device_type
UPS = {"CONNECTED": 1.0, "DISCONNECTED": 0.0}  # event type without its prefix -> value of mist_device_up
DEVICE_MACS = ("mac", "ap", "mxedge_id")  # fields of a device event with the MAC address of the device
