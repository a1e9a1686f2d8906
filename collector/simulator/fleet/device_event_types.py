"""Types of random device events, and their fields other than identity and timestamp."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collector.simulator.fleet.primitives import Payload


@dataclass(frozen=True, kw_only=True)
class DeviceEventType:
    """A type of device event.

    Attributes:
        type: Event type.
        weight: Relative frequency among the types of its kind of device.
        ev_type: Severity.
        reason: Reason, "" for none.
        text: Text, "" for none.
        audited: Whether the event references an entry of the audit log.
        fractional: Whether the timestamp has a fraction.
        minimal: Whether the event has the older format that identifies only the AP.
        extra: Additional fields.
    """

    type: str
    weight: int = 1
    ev_type: str = ""
    reason: str = ""
    text: str = ""
    audited: bool = False
    fractional: bool = False
    minimal: bool = False
    extra: Payload = field(default_factory=dict)


_RADSEC = {"version": 1, "apfw": "0.14.29313", "wlan_id": "b19ce109-1f86-4d9b-bdff-19a08d94655d"}
_SERVERS = {"old_server": "192.0.2.7:1812", "new_server": "192.0.2.8:1812", "ssid": "Corp"}
_RADAR = {
    "band": "5",
    "channel": 36,
    "bandwidth": 40,
    "pre_channel": 124,
    "pre_bandwidth": 40,
    "pre_usage": "5",
    "usage": "5",
}

DEVICE_EVENT_TYPES: dict[str, tuple[DeviceEventType, ...]] = {
    "ap": (
        DeviceEventType(type="AP_CONFIGURED", weight=10, ev_type="NOTICE", text="configuration applied"),
        DeviceEventType(type="AP_RECONFIGURED", weight=4, ev_type="NOTICE"),
        DeviceEventType(type="AP_CONFIG_CHANGED_BY_USER", weight=4, ev_type="NOTICE", audited=True),
        DeviceEventType(type="AP_CONFIG_CHANGED_BY_RRM", weight=6, ev_type="NOTICE"),
        DeviceEventType(type="AP_CONFIG_FAILED", ev_type="WARN", reason="cloud_connection_lost"),
        DeviceEventType(type="AP_RRM_ACTION", weight=12, ev_type="NOTICE", reason="scheduled-site_rrm"),
        DeviceEventType(type="AP_RADAR_DETECTED", weight=3, ev_type="WARN", reason="radar-detected", extra=_RADAR),
        DeviceEventType(type="AP_BEACON_STUCK", ev_type="WARN"),
        DeviceEventType(type="AP_CERT_REGENERATED", minimal=True),
        DeviceEventType(type="AP_ASSIGNED", minimal=True, audited=True),
        DeviceEventType(type="AP_CLAIMED", minimal=True, audited=True),
        DeviceEventType(type="AP_RESTART_BY_USER", ev_type="NOTICE", audited=True),
        DeviceEventType(type="AP_UPGRADE_BY_SCHEDULE", minimal=True),
        DeviceEventType(type="AP_UPGRADE_BY_USER", ev_type="NOTICE", audited=True),
        DeviceEventType(type="AP_UPGRADED", weight=2, ev_type="NOTICE", extra={"version": "0.14.29543"}),
        DeviceEventType(type="AP_UPGRADE_FAILED", ev_type="WARN", audited=True),
        DeviceEventType(type="AP_GET_SUPPORT_FILES", ev_type="NOTICE"),
        DeviceEventType(type="AP_RADIUS_AUTHENTICATION_SERVER_CHANGE", minimal=True, extra=_SERVERS),
        DeviceEventType(type="AP_RADIUS_ACCOUNTING_SERVER_CHANGE", minimal=True, extra=_SERVERS),
        DeviceEventType(
            type="AP_RADSEC_FAILURE",
            fractional=True,
            text="Radsec client cert format error",
            extra=_RADSEC | {"type_code": 38},
        ),
        DeviceEventType(
            type="AP_RADSEC_RECOVERY",
            fractional=True,
            text='TLS up with radsec server "radsec.example.net:2083"',
            extra=_RADSEC | {"type_code": 59},
        ),
        DeviceEventType(type="AP_A_TYPE_NO_LIST_KNOWS", ev_type="NOTICE"),
    ),
    "switch": (
        DeviceEventType(type="SW_CONFIGURED", weight=8, ev_type="NOTICE", text="UI_COMMIT_COMPLETED: commit complete"),
        DeviceEventType(type="SW_RECONFIGURED", weight=3),
        DeviceEventType(type="SW_CONFIG_CHANGED_BY_USER", weight=3, audited=True),
        DeviceEventType(type="SW_CONFIG_LOCK_FAILED", ev_type="WARN"),
        DeviceEventType(type="SW_CONFIG_FAILED", ev_type="WARN", reason="commit check failed"),
        DeviceEventType(type="SW_RESTART_BY_USER", audited=True),
        DeviceEventType(type="SW_DYNAMIC_PORT_ASSIGNED", weight=8, extra={"port_id": "ge-0/0/3", "port_usage": "ap"}),
        DeviceEventType(type="SW_STP_TOPO_CHANGED", weight=4),
        DeviceEventType(type="SW_PORT_BPDU_BLOCKED", ev_type="WARN", extra={"port_id": "ge-0/0/7"}),
        DeviceEventType(type="SW_PORT_STORM_CONTROL", ev_type="WARN", extra={"port_id": "ge-0/0/5"}),
        DeviceEventType(type="SW_ALARM_CHASSIS_POE", ev_type="WARN", text="FPC 0 PoE short CP not present"),
        DeviceEventType(type="SW_ALARM_CHASSIS_PSU", ev_type="WARN", text="FPC 0 PEM 1 is not powered"),
        DeviceEventType(type="SW_BGP_NEIGHBOR_STATE_CHANGED", weight=2, text="BGP peer 192.0.2.1 changed state"),
        DeviceEventType(type="SW_OSPF_NEIGHBOR_DOWN", ev_type="WARN"),
        DeviceEventType(type="SW_OSPF_NEIGHBOR_UP", ev_type="NOTICE"),
        DeviceEventType(type="SW_VC_MASTER_CHANGED", extra={"vc-master-id": 1, "vc-backup-id": 0}),
        DeviceEventType(type="SW_VC_BACKUP_ELECTED"),
        DeviceEventType(type="SW_SYSTEM_SERVICE_RESTART"),
        DeviceEventType(type="SW_UPGRADED"),
        DeviceEventType(type="SW_ZTP_FINISHED"),
    ),
    "gateway": (
        DeviceEventType(type="GW_CONFIGURED", weight=8, ev_type="NOTICE", text="UI_COMMIT_COMPLETED: commit complete"),
        DeviceEventType(type="GW_RECONFIGURED", weight=3),
        DeviceEventType(type="GW_CONFIG_CHANGED_BY_USER", weight=3, audited=True),
        DeviceEventType(
            type="GW_VPN_PEER_DOWN", weight=4, ev_type="WARN", extra={"port_id": "ge-0/0/0", "router_name": "hub"}
        ),
        DeviceEventType(
            type="GW_VPN_PEER_UP", weight=4, ev_type="NOTICE", extra={"port_id": "ge-0/0/0", "router_name": "hub"}
        ),
        DeviceEventType(type="GW_VPN_PATH_DOWN", weight=3, ev_type="WARN"),
        DeviceEventType(type="GW_VPN_PATH_UP", weight=3, ev_type="NOTICE"),
        DeviceEventType(type="GW_BGP_NEIGHBOR_STATE_CHANGED", weight=2),
        DeviceEventType(type="GW_ARP_UNRESOLVED", ev_type="WARN"),
        DeviceEventType(type="GW_ARP_RESOLVED", ev_type="NOTICE"),
        DeviceEventType(type="GW_DHCP_UNRESOLVED", ev_type="WARN"),
        DeviceEventType(type="GW_DHCP_RESOLVED", ev_type="NOTICE"),
        DeviceEventType(type="GW_RG_STATE_CHANGED"),
        DeviceEventType(type="GW_HA_CONTROL_LINK_DOWN", ev_type="WARN", extra={"node": "node0"}),
        DeviceEventType(type="GW_HA_CONTROL_LINK_UP", ev_type="NOTICE", extra={"node": "node0"}),
        DeviceEventType(type="GW_CONDUCTOR_CONNECTED"),
        DeviceEventType(type="GW_UPGRADED"),
        DeviceEventType(type="GW_CERT_REGENERATED"),
    ),
}

EVENT_WEIGHTS = {kind: [row.weight for row in rows] for kind, rows in DEVICE_EVENT_TYPES.items()}

MXEDGE_EVENT_TYPES: tuple[tuple[str, Payload], ...] = (
    ("ME_CONFIG_CHANGED_BY_USER", {"service": "mxagent"}),
    ("ME_PACKAGE_UPDATED", {"package": "tunterm", "from_version": "0.1.1906", "to_version": "0.1.1907"}),
    ("ME_SERVICE_STARTED", {"service": "tunterm"}),
    ("ME_SERVICE_STOPPED", {"service": "radsecproxy", "severity": "warn"}),
    ("ME_PSU_REMOVED", {"component": "PS2", "severity": "critical"}),
)

# change of the connection -> kind of device -> (alarm type, severity)
ALARMS: dict[str, dict[str, tuple[str, str]]] = {
    "DISCONNECTED": {
        "ap": ("device_down", "warn"),
        "switch": ("switch_down", "warn"),
        "gateway": ("gateway_down", "warn"),
    },
    "CONNECTED": {
        "ap": ("device_reconnected", "info"),
        "switch": ("switch_reconnected", "info"),
        "gateway": ("gateway_reconnected", "info"),
    },
    "RESTARTED": {
        "ap": ("device_restarted", "info"),
        "switch": ("switch_restarted", "info"),
        "gateway": ("gateway_restarted", "info"),
    },
}
ALARM_DEVICE_LISTS = {"ap": "aps", "switch": "switches", "gateway": "gateways"}
"""Kind of device -> the member of an alarm that lists the MAC addresses."""
