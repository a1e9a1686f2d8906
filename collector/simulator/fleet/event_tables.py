"""Which device events happen by chance, and what they carry besides who, where and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collector.simulator.fleet.messages import Payload

UPDOWN_PREFIX = {"ap": "AP", "switch": "SW", "gateway": "GW"}


@dataclass(frozen=True, kw_only=True)
class Happening:
    """A type of device event: how likely it is beside the others, and what it carries.

    `fractional`: its timestamp has a fraction. `bare`: an old form that names only the AP.
    """

    type: str
    weight: int = 1
    ev_type: str = ""
    reason: str = ""
    text: str = ""
    audited: bool = False
    fractional: bool = False
    bare: bool = False
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

HAPPENINGS: dict[str, tuple[Happening, ...]] = {
    "ap": (
        Happening(type="AP_CONFIGURED", weight=10, ev_type="NOTICE", text="configuration applied"),
        Happening(type="AP_RECONFIGURED", weight=4, ev_type="NOTICE"),
        Happening(type="AP_CONFIG_CHANGED_BY_USER", weight=4, ev_type="NOTICE", audited=True),
        Happening(type="AP_CONFIG_CHANGED_BY_RRM", weight=6, ev_type="NOTICE"),
        Happening(type="AP_CONFIG_FAILED", ev_type="WARN", reason="cloud_connection_lost"),
        Happening(type="AP_RRM_ACTION", weight=12, ev_type="NOTICE", reason="scheduled-site_rrm"),
        Happening(type="AP_RADAR_DETECTED", weight=3, ev_type="WARN", reason="radar-detected", extra=_RADAR),
        Happening(type="AP_BEACON_STUCK", ev_type="WARN"),
        Happening(type="AP_CERT_REGENERATED", bare=True),
        Happening(type="AP_ASSIGNED", bare=True, audited=True),
        Happening(type="AP_CLAIMED", bare=True, audited=True),
        Happening(type="AP_RESTART_BY_USER", ev_type="NOTICE", audited=True),
        Happening(type="AP_UPGRADE_BY_SCHEDULE", bare=True),
        Happening(type="AP_UPGRADE_BY_USER", ev_type="NOTICE", audited=True),
        Happening(type="AP_UPGRADED", weight=2, ev_type="NOTICE", extra={"version": "0.14.29543"}),
        Happening(type="AP_UPGRADE_FAILED", ev_type="WARN", audited=True),
        Happening(type="AP_GET_SUPPORT_FILES", ev_type="NOTICE"),
        Happening(type="AP_RADIUS_AUTHENTICATION_SERVER_CHANGE", bare=True, extra=_SERVERS),
        Happening(type="AP_RADIUS_ACCOUNTING_SERVER_CHANGE", bare=True, extra=_SERVERS),
        Happening(
            type="AP_RADSEC_FAILURE",
            fractional=True,
            text="Radsec client cert format error",
            extra=_RADSEC | {"type_code": 38},
        ),
        Happening(
            type="AP_RADSEC_RECOVERY",
            fractional=True,
            text='TLS up with radsec server "radsec.example.net:2083"',
            extra=_RADSEC | {"type_code": 59},
        ),
        Happening(type="AP_A_TYPE_NO_LIST_KNOWS", ev_type="NOTICE"),
    ),
    "switch": (
        Happening(type="SW_CONFIGURED", weight=8, ev_type="NOTICE", text="UI_COMMIT_COMPLETED: commit complete"),
        Happening(type="SW_RECONFIGURED", weight=3),
        Happening(type="SW_CONFIG_CHANGED_BY_USER", weight=3, audited=True),
        Happening(type="SW_CONFIG_LOCK_FAILED", ev_type="WARN"),
        Happening(type="SW_CONFIG_FAILED", ev_type="WARN", reason="commit check failed"),
        Happening(type="SW_RESTART_BY_USER", audited=True),
        Happening(type="SW_DYNAMIC_PORT_ASSIGNED", weight=8, extra={"port_id": "ge-0/0/3", "port_usage": "ap"}),
        Happening(type="SW_STP_TOPO_CHANGED", weight=4),
        Happening(type="SW_PORT_BPDU_BLOCKED", ev_type="WARN", extra={"port_id": "ge-0/0/7"}),
        Happening(type="SW_PORT_STORM_CONTROL", ev_type="WARN", extra={"port_id": "ge-0/0/5"}),
        Happening(type="SW_ALARM_CHASSIS_POE", ev_type="WARN", text="FPC 0 PoE short CP not present"),
        Happening(type="SW_ALARM_CHASSIS_PSU", ev_type="WARN", text="FPC 0 PEM 1 is not powered"),
        Happening(type="SW_BGP_NEIGHBOR_STATE_CHANGED", weight=2, text="BGP peer 192.0.2.1 changed state"),
        Happening(type="SW_OSPF_NEIGHBOR_DOWN", ev_type="WARN"),
        Happening(type="SW_OSPF_NEIGHBOR_UP", ev_type="NOTICE"),
        Happening(type="SW_VC_MASTER_CHANGED", extra={"vc-master-id": 1, "vc-backup-id": 0}),
        Happening(type="SW_VC_BACKUP_ELECTED"),
        Happening(type="SW_SYSTEM_SERVICE_RESTART"),
        Happening(type="SW_UPGRADED"),
        Happening(type="SW_ZTP_FINISHED"),
    ),
    "gateway": (
        Happening(type="GW_CONFIGURED", weight=8, ev_type="NOTICE", text="UI_COMMIT_COMPLETED: commit complete"),
        Happening(type="GW_RECONFIGURED", weight=3),
        Happening(type="GW_CONFIG_CHANGED_BY_USER", weight=3, audited=True),
        Happening(
            type="GW_VPN_PEER_DOWN", weight=4, ev_type="WARN", extra={"port_id": "ge-0/0/0", "router_name": "hub"}
        ),
        Happening(
            type="GW_VPN_PEER_UP", weight=4, ev_type="NOTICE", extra={"port_id": "ge-0/0/0", "router_name": "hub"}
        ),
        Happening(type="GW_VPN_PATH_DOWN", weight=3, ev_type="WARN"),
        Happening(type="GW_VPN_PATH_UP", weight=3, ev_type="NOTICE"),
        Happening(type="GW_BGP_NEIGHBOR_STATE_CHANGED", weight=2),
        Happening(type="GW_ARP_UNRESOLVED", ev_type="WARN"),
        Happening(type="GW_ARP_RESOLVED", ev_type="NOTICE"),
        Happening(type="GW_DHCP_UNRESOLVED", ev_type="WARN"),
        Happening(type="GW_DHCP_RESOLVED", ev_type="NOTICE"),
        Happening(type="GW_RG_STATE_CHANGED"),
        Happening(type="GW_HA_CONTROL_LINK_DOWN", ev_type="WARN", extra={"node": "node0"}),
        Happening(type="GW_HA_CONTROL_LINK_UP", ev_type="NOTICE", extra={"node": "node0"}),
        Happening(type="GW_CONDUCTOR_CONNECTED"),
        Happening(type="GW_UPGRADED"),
        Happening(type="GW_CERT_REGENERATED"),
    ),
}

WEIGHTS = {kind: [happening.weight for happening in rows] for kind, rows in HAPPENINGS.items()}

MXEDGE_TYPES: tuple[tuple[str, Payload], ...] = (
    ("ME_CONFIG_CHANGED_BY_USER", {"service": "mxagent"}),
    ("ME_PACKAGE_UPDATED", {"package": "tunterm", "from_version": "0.1.1906", "to_version": "0.1.1907"}),
    ("ME_SERVICE_STARTED", {"service": "tunterm"}),
    ("ME_SERVICE_STOPPED", {"service": "radsecproxy", "severity": "warn"}),
    ("ME_PSU_REMOVED", {"component": "PS2", "severity": "critical"}),
)

# what happened -> kind -> (alarm type, severity); the sample list of MACs is named after the kind
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
ALARM_LIST = {"ap": "aps", "switch": "switches", "gateway": "gateways"}
