"""Webhook events: every topic as one row of `TABLES`, and the families that its events feed.

Labels come from closed or small sets of Mist's, or are capped; what names a person (MAC, user, address, text) is never
one. What no row is needed for (a type to count by, no more) has a row all the same, so that it is seen to be known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.catalog.alarms import is_open
from collector.catalog.ap import BANDS
from collector.catalog.event_rules import KEY, PLACE, VALUE, By, Sets, TopicTable, counted, told
from collector.metrics.model import PERCENT, Counter, Entity, Flag, Gauge, Histogram, Scale, StateSet
from collector.metrics.values import flag

if TYPE_CHECKING:
    from collector.catalog.event_rules import Part

MILLI = Scale(per=1000.0)
MINUTES = Scale(times=60.0)

# Common to all topics

EVENTS = Entity(
    "webhook_events",
    labels=(*PLACE, "topic", "type"),
    ttl_s=None,
    families=(
        Counter(
            "mist_webhook_events_total",
            None,
            "Events received by webhook, each once however often it was delivered; an update of an alarm is an event, too.",
        ),
    ),
)
DELAYS = Entity(
    "webhook_delays",
    labels=("topic",),
    ttl_s=None,
    families=(
        Histogram(
            "mist_webhook_delivery_delay_seconds",
            "Time from when an event happened, as it says itself, to its delivery.",
            (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 14400.0),
        ),
    ),
)
DELAY = "mist_webhook_delivery_delay_seconds"


# Words: wire text -> label value


def lower(text: str) -> str:
    """Mist writes some words both ways."""
    return text.lower()


def band(text: str) -> str:
    """A band is "24", "2.4", "5GHz"."""
    name = text.lower().removesuffix("ghz").strip()
    return BANDS.get(name, name)


def termination(text: str) -> str:
    """Why a client's session ended."""
    return {"1": "disassociate", "2": "inactive", "3": "roamed"}.get(text, text)


def outcome(text: str) -> str:
    """Of a test."""
    return {"true": "success", "1": "success", "false": "failure", "0": "failure"}.get(text.lower(), text)


def first_word(text: str) -> str:
    """Of an audit's message: a verb. What follows it may name anybody."""
    return text.split(maxsplit=1)[0].lower() if text.strip() else ""


# Conditions


def is_new(part: Part) -> bool:
    """An alarm that is told for the first time; an update repeats it, and so does the news that it is over."""
    return flag(part.get("update")) is not True and is_open(part) is not False


def has_reason(part: Part) -> bool:
    """An event that says why."""
    return bool(part.get("reason"))


def has_ended(part: Part) -> bool:
    """The totals of a session come to stay with its end; before, each message repeats them."""
    return str(part.get("type")).endswith("_STOP")


# Labels

SSID = By("ssid", unknown=200, passing=True)
BAND = By("band", band, known=("2.4", "5", "6"), unknown=5)
ALARM_GROUP = By("group", lower, known=("infrastructure", "security", "marvis"), unknown=10)
ALARM_SEVERITY = By("severity", lower, known=("info", "warn", "critical"), unknown=5)
ACCESS = {
    "auth_type": By("auth_type", known=("cert", "device-auth", "eap-teap", "eap-tls", "eap-ttls", "eap-peap", "idp", "mab"), unknown=20),
    "client_type": By(("client_type", "port_type"), known=("wireless", "wired", "vty"), unknown=5),
}  # fmt: skip
TRIGGER = By("trigger", lower, known=("enter", "exit"), unknown=3)
VISITOR = By("type", known=("sdk", "wifi", "asset"), unknown=5)
PROBE = {"probe": By("probe_name", unknown=200, passing=True), "vlan": By("vlan", unknown=200, passing=True)}
TYPE = By("type", unknown=200)
AUDIT_VERB = By(
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

NEW_ALARMS = counted(
    "alarms",
    Counter("mist_alarms_total", None, "Alarms raised; what updates or ends an alarm is not counted."),
    by={"group": ALARM_GROUP, "severity": ALARM_SEVERITY, "type": TYPE},
    only=is_new,
    # what a NOC is called for at night: seven rows a site
    born=(
        *(("infrastructure", "warn", f"{device}_down") for device in ("device", "switch", "gateway")),
        *(("infrastructure", "critical", f"infra_{service}_failure") for service in ("dhcp", "dns", "arp")),
        ("infrastructure", "warn", "vpn_peer_down"),
    ),
)
DEVICE_REASONS = counted(
    "event_reasons",
    Counter("mist_webhook_event_reasons_total", None, "Events of devices that said why, by type and reason."),
    by={
        "device_type": By("device_type", lower, known=("ap", "switch", "gateway"), unknown=5),
        "type": TYPE,
        "reason": By("reason", unknown=100),
    },
    only=has_reason,
)
MXEDGE_EVENTS = counted(
    "mxedge_events",
    Counter(
        "mist_mxedge_events_total", None, "Events of Mist Edges, by what of them is concerned and how severe it is."
    ),
    by={
        "type": TYPE,
        "severity": By("severity", lower, known=("normal", "warning", "high", "critical"), unknown=5),
        "service": By("service"),
        "component": By("component"),
    },
)
JOINS = counted(
    "client_joins",
    Counter("mist_client_joins_total", None, "Wireless clients that associated."),
    by={"ssid": SSID, "band": BAND},
)
SESSIONS = counted(
    "client_sessions",
    Histogram(
        "mist_client_session_duration_seconds",
        "Length of wireless sessions that ended, by reason; a session ends at each roam.",
        (10.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 28800.0, 86400.0),
        reads=("duration",),
    ),
    by={
        "reason": By("termination_reason", termination, known=("disassociate", "inactive", "roamed"), unknown=5),
        "band": BAND,
    },
)
NAC_EVENTS = counted(
    "nac_events",
    Counter(
        "mist_nac_events_total", None, "Decisions and checks of access control (NAC), by type: permit, deny and others."
    ),
    by={"type": By("type", unknown=100), **ACCESS},
)
NAC_SESSIONS = counted(
    "nac_sessions",
    Counter(
        "mist_nac_sessions_ended_total", None, "Sessions under access control (NAC) that ended, by the cause given."
    ),
    Counter("mist_nac_sessions_receive_packets_total", "rx_pkts", "Packets received in sessions that ended."),
    Counter("mist_nac_sessions_transmit_packets_total", "tx_pkts", "Packets sent in sessions that ended."),
    Counter("mist_nac_sessions_receive_bytes_total", "rx_bytes", "Bytes received in sessions that ended."),
    Counter("mist_nac_sessions_transmit_bytes_total", "tx_bytes", "Bytes sent in sessions that ended."),
    Histogram(
        "mist_nac_session_duration_seconds",
        "Length of sessions under access control (NAC) that ended.",
        (60.0, 900.0, 3600.0, 14400.0, 28800.0, 86400.0),
        reads=("session_duration_in_mins",),
    ),
    by={"client_type": ACCESS["client_type"], "terminate_cause": By("terminate_cause", lower, unknown=30)},
    only=has_ended,
    scale=MINUTES,
)
GUESTS = counted(
    "guest_authorizations",
    Counter(
        "mist_client_guest_authorizations_total",
        None,
        "Guests who were let in by a portal, by how they identified themselves.",
    ),
    by={"ssid": SSID, "auth_method": By("auth_method", lower)},
)
ZONE_CROSSINGS = counted(
    "zone_crossings",
    Counter("mist_zone_crossings_total", None, "Visitors who entered and who left the zone, as webhooks tell."),
    by={"zone_id": By("zone_id", unknown=5000, passing=True), "trigger": TRIGGER, "type": VISITOR},
)
RSSIZONE_CROSSINGS = counted(
    "rssizone_crossings",
    Counter(
        "mist_rssizone_crossings_total", None, "Visitors who entered and who left the RSSI zone, as webhooks tell."
    ),
    by={"rssizone_id": By("rssizone_id", unknown=5000, passing=True), "trigger": TRIGGER, "type": VISITOR},
)
APPLICATION_TESTS = counted(
    "minis_application_tests",
    Counter("mist_minis_application_tests_total", None, "Tests of applications by Marvis Minis."),
    by={
        **PROBE,
        "test_type": By("test_type"),
        "outcome": By("success", outcome, known=("success", "failure"), unknown=1),
    },
)

# States

_TESTED_S = 7200.0  # Minis are said to test at least once an hour (unverified); one round may get lost
_LATENCY = "mist_site_client_latency_seconds"

APPLICATION = told(
    "minis_application",
    Gauge("mist_minis_application_latency_seconds", "latency", "Latency of the latest test of the application by a Marvis Mini.", MILLI),
    Flag("mist_minis_application_success", "success", "Whether the latest test of the application by a Marvis Mini succeeded."),
    by={**PROBE, "test_type": By("test_type")},
    ttl_s=_TESTED_S,
)  # fmt: skip
REACHABILITY = told(
    "minis_reachability",
    *(
        Gauge("mist_minis_reachability_latency_seconds", f"{stat}_latency", "Latency of the latest reachability test by a Marvis Mini.", MILLI, {"stat": stat})
        for stat in ("min", "avg", "max")
    ),
    Gauge("mist_minis_reachability_loss_ratio", "loss_percentage", "Share of packets lost in the latest reachability test by a Marvis Mini.", PERCENT),
    by={**PROBE, "protocol": By("protocol", lower)},
    ttl_s=_TESTED_S,
)  # fmt: skip
LATENCY = told(
    "client_latency",
    *(
        Gauge(_LATENCY, f"{stat}_{step}", "Time that clients of the site lately took for each step of connecting.", labels={"step": step, "stat": stat})
        for step in ("auth", "dhcp", "dns")
        for stat in ("min", "avg", "max")
    ),
    ttl_s=3600.0,  # told every ten minutes
)  # fmt: skip
SLE = told(
    "site_sle",
    Gauge("mist_site_sle_ratio", VALUE, "Share of users' time in which the site met the service level expectation (SLE), in its latest period."),
    by={"sle": By(KEY, unknown=50)},
    each="sle.{name}",
    ttl_s=9000.0,  # told every hour; one may be lost
)  # fmt: skip
OCCUPANCY = told(
    "zone_occupancy_alert",
    Gauge("mist_zone_occupancy_alert_occupants", "current_occupancy", "Occupants of the zone at its latest occupancy alert."),
    Gauge("mist_zone_occupancy_alert_limit", "occupancy_limit", "Occupancy limit of the zone at its latest occupancy alert."),
    StateSet(
        "mist_zone_occupancy_alert_state",
        "type",
        "What the zone's latest occupancy alert said: its limit is exceeded (violation) or met again (ok).",
        ("ok", "violation"),
        fold=lambda text: text.lower().removeprefix("compliance-"),
    ),
    by={"zone_id": By("zone_id")},
    each="alert_events[*]",
    ttl_s=7 * 86400.0,  # a zone may stay as it is for days; a week without an alert is a zone that is gone
)  # fmt: skip

# Topics

_PREFIXES = ("AP", "SW", "GW")
_UPDOWN_TYPES = tuple(f"{p}_{what}" for p in _PREFIXES for what in ("CONNECTED", "DISCONNECTED", "RESTARTED"))

TABLES = {
    table.name: table
    for table in (
        TopicTable("alarms", TYPE, moment=("last_seen", "timestamp"), counts=(NEW_ALARMS,), sets=Sets.ALARM_OPEN),
        TopicTable("audits", AUDIT_VERB),
        TopicTable("device-events", TYPE, counts=(DEVICE_REASONS,), sets=Sets.DEVICE_UP, born=(*(f"{p}_DISCONNECTED" for p in _PREFIXES), "AP_RADAR_DETECTED")),
        TopicTable("device-updowns", TYPE, sets=Sets.DEVICE_UP, born=_UPDOWN_TYPES),
        TopicTable("mxedge-events", TYPE, counts=(MXEDGE_EVENTS,), sets=Sets.DEVICE_UP, born_of_org=("ME_CONNECTED", "ME_DISCONNECTED", "ME_RESTARTED", "ME_SERVICE_FAILED")),
        TopicTable("client-join", counts=(JOINS,)),
        TopicTable("client-sessions", moment=("disconnect", "timestamp"), counts=(SESSIONS,)),
        TopicTable("client-info"),
        TopicTable("client-latency", tells=(LATENCY,)),
        TopicTable("site-sle", tells=(SLE,)),
        TopicTable("minis-application", By("test_type"), counts=(APPLICATION_TESTS,), tells=(APPLICATION,)),
        TopicTable("minis-reachability", By("test_type"), tells=(REACHABILITY,)),
        TopicTable("minis-network", By(("test_type", "type"))),  # nobody has shown one yet
        TopicTable("nac-events", By("type", unknown=100), counts=(NAC_EVENTS,), born=("NAC_CLIENT_DENY", "NAC_CLIENT_PERMIT")),
        TopicTable("nac-accounting", By("type", known=tuple(f"NAC_ACCOUNTING_{what}" for what in ("START", "UPDATE", "STOP"))), counts=(NAC_SESSIONS,)),
        TopicTable("guest-authorizations", moment=("timestamp", "authorized_time"), counts=(GUESTS,)),
        TopicTable("occupancy-alerts", By("type", known=("COMPLIANCE-OK", "COMPLIANCE-VIOLATION"), unknown=10), each="alert_events[*]", tells=(OCCUPANCY,)),
        TopicTable("location", VISITOR, sets=Sets.POSITION),
        TopicTable("location-client", VISITOR, sets=Sets.POSITION),
        TopicTable("location-unclient", VISITOR, sets=Sets.POSITION),
        TopicTable("location-asset", VISITOR, sets=Sets.POSITION),
        TopicTable("location-sdk", VISITOR, sets=Sets.POSITION),
        TopicTable("location-centrak", VISITOR, sets=Sets.POSITION),
        TopicTable("zone", TRIGGER, counts=(ZONE_CROSSINGS,)),
        TopicTable("rssizone", TRIGGER, counts=(RSSIZONE_CROSSINGS,)),
        TopicTable("vbeacon", By(("trigger", "type"), unknown=10)),  # nobody has shown one yet
        TopicTable("asset-raw"),
        TopicTable("asset-raw-rssi"),
        TopicTable("discovered-raw-rssi"),
        TopicTable("filtered-asset-rssi"),
        TopicTable("wifi-conn-raw"),
        TopicTable("wifi-unconn-raw"),
        TopicTable("sdkclient-scan-data", moment=("timestamp", "last_seen")),
        TopicTable("ping"),
    )
}  # fmt: skip

OTHER_TOPIC = TopicTable("other", TYPE)  # what is done with the events of a topic that nobody knows

DEVICE_TYPES = {"AP": "ap", "SW": "switch", "GW": "gateway", "ME": "mxedge"}  # by the first part of an event's type
UPS = {"_CONNECTED": 1.0, "_DISCONNECTED": 0.0}  # by its end
DEVICE_MACS = ("mac", "ap", "mxedge_id")  # where a device's event may carry its MAC
