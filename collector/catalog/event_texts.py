"""Texts of events: how an event of a topic reads in one line, its severity, and whether it opens or clears a condition.

A topic without a row, and a type without a text, have the text "<type in words> on <device>" (or "at <site>").

Texts contain placeholders of the fields of the event (`Event.fields`) by their dotted path, and of these names:

    device   type and name of the device, or its MAC address
    site     name of the site, or its ID
    map, zone, rssizone  name, or ID
    type     event type in words

`{a|b}` is the first of several with a value, `{a:format}` is formatted by `FORMATS`. Text in square brackets is left out
if one of its placeholders has no value; if a placeholder outside of brackets has none, the default text is used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from collector.catalog.alarms import is_open
from collector.catalog.ap import BANDS
from collector.catalog.events import DEVICE_MACS, termination_reason
from collector.event import COLLECTOR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from collector.catalog.event_rules import Part
    from collector.event import Scalar, Severity, Status


@dataclass(frozen=True, slots=True)
class TypeText:
    """Events of one type: text, severity and status. Without a severity or status, those of the topic apply."""

    text: str = ""
    severity: Severity | None = None
    status: Status = ""


@dataclass(frozen=True, slots=True)
class TopicText:
    """Events of one topic.

    text         text of types without a text of their own
    types        type, or type without the prefix of the device type -> text, severity and status
    severity     severity of types without one
    severities   fields with a severity of Mist, see `SEVERITIES`
    failed       condition on the fields by which the severity is "warning"
    devices      fields with the MAC address of the device, preferred first
    device_type  type of the device in these fields, if neither inventory nor event have it
    status       reads the status from the payload; None if it has none
    open         endings of types that open a condition
    cleared      endings of types that clear a condition
    """

    text: str = ""
    types: Mapping[str, TypeText] = field(default_factory=dict)
    severity: Severity = "info"
    severities: tuple[str, ...] = ()
    failed: Callable[[Mapping[str, Scalar]], bool] | None = None
    devices: tuple[str, ...] = ()
    device_type: str = ""
    status: Callable[[Part], bool | None] | None = None
    open: tuple[str, ...] = ()
    cleared: tuple[str, ...] = ()


# Formats of placeholders


def milliseconds(value: Scalar) -> str:
    """Return seconds as "18 ms"."""
    return f"{float(value) * 1000:.0f} ms"


def percent(value: Scalar) -> str:
    """Return a ratio as "60 %"."""
    return f"{float(value) * 100:.0f} %"


def duration(value: Scalar) -> str:
    """Return seconds as "45 s", "4 min" or "2 h 5 min"."""
    seconds = round(float(value))
    if seconds < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def band(value: Scalar) -> str:
    """Return a band as "2.4 GHz"."""
    text = str(value).lower().removesuffix("ghz").strip()
    return f"{BANDS.get(text, text)} GHz"


def termination(value: Scalar) -> str:
    """Return the reason for which a client session ended; the code is a number or its text."""
    return termination_reason(str(value))


def outcome(value: Scalar) -> str:
    """Return whether a test succeeded, in words."""
    return "failed" if is_false(value) else "succeeded"


def plain(value: Scalar) -> str:
    """Return a value as text, a number without trailing zeros."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def phrase(value: Scalar) -> str:
    """Return an enumeration value such as `power_cycle` in words."""
    return str(value).replace("_", " ").lower()


FORMATS: Final[Mapping[str, Callable[[Scalar], str]]] = {
    "band": band,
    "duration": duration,
    "ms": milliseconds,
    "outcome": outcome,
    "percent": percent,
    "phrase": phrase,
    "plain": plain,
    "termination": termination,
}


def is_false(value: object) -> bool:
    """Return whether a flag is false, also as text or number."""
    return str(value).lower() in {"false", "0"}


def test_failed(fields: Mapping[str, Scalar]) -> bool:
    """Return whether an application test failed."""
    return is_false(fields.get("success", True))


# Names

DEVICE_NAMES: Final = ("device_name", "ap_name", "mxedge_name", "hostnames.0", "impacted_entities.0.entity_name")
TYPE_NAMES: Final = {"ap": "AP", "switch": "switch", "gateway": "gateway", "mxedge": "Mist Edge"}
ID_FIELDS: Final = {"map": "map_id", "zone": "zone_id", "rssizone": "rssizone_id"}  # placeholder -> field with the ID
NAME_FIELDS: Final = {"map": "map_name", "zone": "zone_name", "rssizone": "rssizone_name"}
DEVICE_LISTS: Final = {"aps.0": "ap", "switches.0": "switch", "gateways.0": "gateway"}  # of alarms -> device type
UNKNOWN_NAMES: Final = frozenset({"", "unknown"})
TYPE_PREFIXES: Final = ("AP_", "SW_", "GW_", "ME_", "TT_", "NAC_", "sw_", "gw_")
ABBREVIATIONS: Final = {
    **{word: word.upper() for word in ("ap", "arp", "bgp", "bpdu", "dhcp", "dns", "eap", "eapol", "ha", "ie", "lacp", "led", "nac", "ospf", "pem", "psk", "psu", "radius", "rf", "rrm", "sla", "sle", "ssh", "ssid", "stp", "tkip", "vlan", "vpn", "wan", "wlan", "ztp")},
    "auth": "authentication", "authc": "authentication", "cert": "certificate", "config": "configuration",
    "gw": "gateway", "idp": "IdP", "infra": "infrastructure", "mist": "Mist", "mxedge": "Mist Edge",
    "notneeded": "not needed", "poe": "PoE", "powerinput": "power input", "radsec": "RadSec", "rg": "redundancy group",
    "secpolicy": "security policy", "sw": "switch", "topo": "topology", "vc": "virtual chassis",
}  # fmt: skip

# Severity and status

SEVERITIES: Final[Mapping[str, Severity]] = {
    "info": "info", "normal": "info", "low": "info",
    "warn": "warning", "warning": "warning", "medium": "warning",
    "high": "critical", "critical": "critical",
}  # fmt: skip
WARNING_ENDINGS: Final = (
    "_BLOCKED", "_DENY", "_DETECTED", "_DISCONNECTED", "_DOWN", "_ERROR", "_EXHAUSTED", "_FAILED", "_FAILURE", "_LOST",
    "_LOW", "_REJECTED", "_STUCK", "_UNPLUGGED", "_UNRESOLVED",
)  # fmt: skip
OPEN_ENDINGS: Final = ("_DISCONNECTED", "_DOWN", "_HEALTH_WEIGHT_LOW", "_LOST", "_UNPLUGGED", "_UNRESOLVED")
CLEARED_ENDINGS: Final = (
    "_CONNECTED", "_PLUGGED", "_PORT_RECOVERY", "_RADSEC_RECOVERY", "_RECONNECTED", "_RESOLVED", "_UP", "_WEIGHT_RECOVERY",
)  # fmt: skip

# Types, without the prefix of the device type unless it makes a difference

DEVICE_TEXTS: Final = {
    "SW_DISCONNECTED": TypeText("{device} disconnected from the Mist cloud", "critical"),
    "GW_DISCONNECTED": TypeText("{device} disconnected from the Mist cloud", "critical"),
    "ME_DISCONNECTED": TypeText("{device} disconnected from the Mist cloud", "critical"),
    "DISCONNECTED": TypeText("{device} disconnected from the Mist cloud", "warning"),
    "CONNECTED": TypeText("{device} connected to the Mist cloud", "info"),
    "RESTARTED": TypeText("{device} restarted[: {reason:phrase}]"),
    "RESTART_BY_USER": TypeText("Restart of {device} requested by a user"),
    "CONFIGURED": TypeText("{device} applied its configuration"),
    "RECONFIGURED": TypeText("{device} applied its configuration"),
    "CONFIG_CHANGED_BY_USER": TypeText("Configuration of {device} changed by a user"),
    "CONFIG_CHANGED_BY_RRM": TypeText("Configuration of {device} changed by RRM"),
    "CONFIG_FAILED": TypeText("{device} failed to apply its configuration[: {text}]", "warning"),
    "UPGRADE_BY_USER": TypeText("Firmware upgrade of {device} requested by a user"),
    "UPGRADE_BY_SCHEDULE": TypeText("Scheduled firmware upgrade of {device} started"),
    "UPGRADED": TypeText("Firmware of {device} upgraded[ to {version}]"),
    "UPGRADE_FAILED": TypeText("Firmware upgrade of {device} failed[: {reason|text}]", "warning"),
    "PORT_UP": TypeText("Port {port_id} of {device} is up"),
    "PORT_DOWN": TypeText("Port {port_id} of {device} is down"),
    "PORT_BPDU_BLOCKED": TypeText("Port {port_id} of {device} blocked by BPDU guard"),
    "PORT_STORM_CONTROL": TypeText("Storm control in effect on port {port_id} of {device}", "warning"),
    "DYNAMIC_PORT_ASSIGNED": TypeText("Profile assigned to port {port_id} of {device}"),
    "STP_TOPO_CHANGED": TypeText("Spanning tree topology changed at {device}"),
    "RADAR_DETECTED": TypeText("Radar detected by {device}[ on channel {pre_channel|channel}]"),
    "RRM_ACTION": TypeText("RRM changed {band:band} of {device}[ from channel {pre_channel}][ to channel {channel}]"),
    "BEACON_STUCK": TypeText("Radio of {device} stopped sending beacons"),
    "ALARM": TypeText("Alarm of {device}[: {text}]", "warning"),
    "VPN_PEER_DOWN": TypeText("VPN peer of {device} is down"),
    "VPN_PEER_UP": TypeText("VPN peer of {device} is up"),
    "VPN_PATH_DOWN": TypeText("VPN path of {device} is down[: {port_id}]"),
    "VPN_PATH_UP": TypeText("VPN path of {device} is up[: {port_id}]"),
    "BGP_NEIGHBOR_STATE_CHANGED": TypeText("State of a BGP neighbor of {device} changed[: {text}]"),
    "RADSEC_FAILURE": TypeText("RadSec connection of {device} failed", "warning", "open"),
    "RADSEC_RECOVERY": TypeText("RadSec connection of {device} recovered"),
    "CLAIMED": TypeText("{device} claimed"),
    "UNCLAIMED": TypeText("{device} removed from the organization"),
    "ASSIGNED": TypeText("{device} assigned to site {site}"),
    "UNASSIGNED": TypeText("{device} unassigned from its site"),
    "SERVICE_FAILED": TypeText("Service {service} of {device} failed", "warning"),
    "SERVICE_RESTARTED": TypeText("Service {service} of {device} restarted"),
    "SERVICE_STOPPED": TypeText("Service {service} of {device} stopped", "warning"),
    "PACKAGE_UPDATED": TypeText("Package {package} of {device} updated[ to {to_version}]"),
    "PACKAGE_UPDATE_FAILED": TypeText("Update of package {package} of {device} failed", "warning"),
    "PSU_UNPLUGGED": TypeText("[{component}: ]PSU of {device} unplugged", "warning"),
    "PSU_PLUGGED": TypeText("[{component}: ]PSU of {device} plugged in"),
}
_OFFLINE = TypeText("{device} is offline[ at {site}][: {reasons.0}]", status="open")
_ONLINE = TypeText("{device} is online again[ at {site}]", status="cleared")
_RESTARTED = TypeText("{device} restarted[ at {site}][: {reasons.0}]")
ALARM_TEXTS: Final = {
    **dict.fromkeys(("device_down", "switch_down", "gateway_down", "ap_offline"), _OFFLINE),
    **dict.fromkeys(("device_reconnected", "switch_reconnected", "gateway_reconnected"), _ONLINE),
    **dict.fromkeys(("device_restarted", "switch_restarted", "gateway_restarted"), _RESTARTED),
}
FIRMWARE_TEXT: Final = "Firmware update of {device}: {detail.status:phrase}[ ({detail.progress} %)]"
_CLIENT: Final = "{mac|client_id|client}"
_LOCATED: Final = " on map {map}[ at {site}]"
_RECEIVED: Final = "[ by {device}][ with {rssi} dBm][ at {site}]"


def _device_topic(devices: tuple[str, ...] = DEVICE_MACS, device_type: str = "") -> TopicText:
    """Return the row of a topic with device events."""
    return TopicText(
        types=DEVICE_TEXTS,
        severities=("severity", "ev_type"),
        devices=devices,
        device_type=device_type,
        open=OPEN_ENDINGS,
        cleared=CLEARED_ENDINGS,
    )


def _crossing(what: str, zone: str) -> Mapping[str, TypeText]:
    """Return the texts of the entry into and the exit from a zone."""
    return {
        "enter": TypeText(f"{what} entered {zone}[ at {{site}}]"),
        "exit": TypeText(f"{what} left {zone}[ at {{site}}]"),
    }


TEXTS: Final[Mapping[str, TopicText]] = {
    # webhook topics
    "alarms": TopicText(
        "{type}[ on {device}][, port {impacted_entities.0.port_id}][ at {site}][: {reasons.0}]",
        types=ALARM_TEXTS,
        severities=("severity",),
        devices=("aps.0", "switches.0", "gateways.0", "impacted_entities.0.entity_mac"),
        status=is_open,
        open=(*OPEN_ENDINGS, "_FAILURE"),
        cleared=(*CLEARED_ENDINGS, "_SUCCESS"),
    ),
    "audits": TopicText("[{admin_name}: ]{message}[ at {site}]", devices=("device_id",)),
    "device-events": _device_topic(),
    "device-updowns": _device_topic(),
    "mxedge-events": _device_topic(("mxedge_id", "mac"), "mxedge"),
    "client-join": TopicText(
        "Client {mac} joined SSID {ssid}[ in {band:band}][ on {device}][ with {rssi} dBm]",
        devices=("ap",),
        device_type="ap",
    ),
    "client-sessions": TopicText(
        "Client {mac} left SSID {ssid}[ on {device}][ after {duration:duration}][: {termination_reason:termination}]",
        devices=("ap",),
        device_type="ap",
    ),
    "client-info": TopicText("Client {mac}[ ({hostname})] received IP address {ip}[ at {site}]"),
    "client-latency": TopicText(
        "Client latency at {site}[: authentication {avg_auth:ms}][, DHCP {avg_dhcp:ms}][, DNS {avg_dns:ms}]"
    ),
    "site-sle": TopicText(
        "SLE of {site}[, time to connect {sle.time-to-connect:percent}]"
        "[, successful connects {sle.successful-connect:percent}][, coverage {sle.coverage:percent}]"
        "[, capacity {sle.capacity:percent}][, AP health {sle.ap-availability:percent}]"
    ),
    "minis-application": TopicText(
        "Application test {probe_name} {success:outcome}[ after {latency} ms][ at {site}]",
        failed=test_failed,
        devices=("device_mac",),
    ),
    "minis-reachability": TopicText(
        "Reachability test {probe_name}: {loss_percentage} % packet loss[, latency {avg_latency} ms][ at {site}]",
        devices=("device_mac",),
    ),
    "minis-network": TopicText("Network test[ {probe_name}][ at {site}]", devices=("device_mac",)),
    "nac-events": TopicText(
        "{type} for client {mac}[ on SSID {ssid}][ at {site}]",
        types={
            "NAC_CLIENT_PERMIT": TypeText("NAC permitted client {mac}[ on SSID {ssid}][ with VLAN {vlan}][ at {site}]"),
            "NAC_CLIENT_DENY": TypeText("NAC denied client {mac}[ on SSID {ssid}][ at {site}][: {text}]", "warning"),
        },
        devices=("ap",),
        device_type="ap",
    ),
    "nac-accounting": TopicText(
        types={
            "NAC_ACCOUNTING_START": TypeText("NAC session of client {mac} started[ on SSID {ssid}][ at {site}]"),
            "NAC_ACCOUNTING_UPDATE": TypeText("NAC session of client {mac} continues[ on SSID {ssid}][ at {site}]"),
            "NAC_ACCOUNTING_STOP": TypeText(
                "NAC session of client {mac} ended[ on SSID {ssid}][ at {site}][: {terminate_cause:phrase}]"
            ),
        },
        devices=("ap",),
        device_type="ap",
    ),
    "guest-authorizations": TopicText(
        "Guest {client} authorized on SSID {ssid}[ by {auth_method:phrase}][ at {site}]",
        devices=("ap",),
        device_type="ap",
    ),
    "occupancy-alerts": TopicText(
        types={
            "COMPLIANCE-VIOLATION": TypeText(
                "Occupancy limit of zone {zone} exceeded[: {current_occupancy}][ of {occupancy_limit}][ at {site}]",
                "warning",
                "open",
            ),
            "COMPLIANCE-OK": TypeText(
                "Occupancy of zone {zone} below its limit[: {current_occupancy}][ of {occupancy_limit}][ at {site}]",
                status="cleared",
            ),
        },
    ),
    "location": TopicText(
        types={
            "wifi": TypeText(f"Client {{mac}} located{_LOCATED}"),
            "sdk": TypeText(f"SDK client {{name|id}} located{_LOCATED}"),
            "asset": TypeText(f"Asset {{name|mac}} located{_LOCATED}"),
        }
    ),
    "location-client": TopicText(f"Client {{mac}} located{_LOCATED}"),
    "location-unclient": TopicText(f"Unconnected client {{mac}} located{_LOCATED}"),
    "location-asset": TopicText(f"Asset {{name|mac}} located{_LOCATED}"),
    "location-sdk": TopicText(f"SDK client {{name|id}} located{_LOCATED}"),
    "location-centrak": TopicText(f"Asset {{mac}} located{_LOCATED}"),
    "zone": TopicText(types=_crossing("Client {name|mac|id}", "zone {zone}")),
    "rssizone": TopicText(types=_crossing("Client {name|mac|id}", "RSSI zone {rssizone}")),
    "vbeacon": TopicText(types=_crossing("Client {name|mac|id}", "virtual beacon {vbeacon_name|vbeacon_id}")),
    "asset-raw": TopicText(f"BLE packet of {{mac}} received{_RECEIVED}", devices=("device_id",), device_type="ap"),
    "asset-raw-rssi": TopicText(f"BLE packet of {{mac}} received{_RECEIVED}", devices=("device_id",), device_type="ap"),
    "discovered-raw-rssi": TopicText(f"BLE packet of {{mac}} received{_RECEIVED}", devices=("device_id",), device_type="ap"),
    "filtered-asset-rssi": TopicText(f"BLE packet of {{mac}} received{_RECEIVED}", devices=("device_id",), device_type="ap"),
    "wifi-conn-raw": TopicText(f"Wi-Fi packet of client {_CLIENT} received{_RECEIVED}", devices=("ap_id",), device_type="ap"),
    "wifi-unconn-raw": TopicText(f"Wi-Fi packet of unconnected client {_CLIENT} received{_RECEIVED}", devices=("ap_id",), device_type="ap"),
    "sdkclient-scan-data": TopicText("Scan report of client {mac}[ on {device}][ at {site}]", devices=("connection_ap",), device_type="ap"),
    "ping": TopicText("Test delivery of webhook {name}"),
    # change channels
    "device_event": TopicText(types={"fwupdate": TypeText(FIRMWARE_TEXT)}, devices=("device_id",)),
    "mxedge_event": TopicText(types={"fwupdate": TypeText(FIRMWARE_TEXT)}, devices=("device_id",), device_type="mxedge"),
    "otherdevice_sync": TopicText("Synchronization with {vendor}: {status:phrase}[. {text}]"),
    # findings of the collector
    COLLECTOR: TopicText(
        types={
            "device_down": TypeText("{device} is down[: {cause}]", "warning", "open"),
            "device_up": TypeText("{device} is up[: {cause}]", "info", "cleared"),
        },
        devices=("mac",),
    ),
}  # fmt: skip

# topics with an event per position, packet or scan: too many for a list that people read
HIGH_RATE_TOPICS: Final = frozenset({
    "location", "location-client", "location-unclient", "location-asset", "location-sdk", "location-centrak",
    "asset-raw", "asset-raw-rssi", "discovered-raw-rssi", "filtered-asset-rssi", "wifi-conn-raw", "wifi-unconn-raw",
    "sdkclient-scan-data",
})  # fmt: skip

DEFAULT_TEXT: Final = TopicText(
    severities=("severity", "ev_type"), devices=DEVICE_MACS, open=OPEN_ENDINGS, cleared=CLEARED_ENDINGS
)
CRITICAL_DOWN: Final = frozenset({"switch", "gateway", "mxedge"})  # device types with a critical device_down
CAUSES: Final = {
    "stream": "status in its statistics",
    "webhook": "up/down event of Mist",
    "rest": "status in REST",
    "timeout": "no statistics received",
}  # cause of a device state -> text
