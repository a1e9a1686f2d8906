"""Table of switch ports: bytes, errors, PoE, transceivers and spanning tree, which only REST provides completely.

Sources are the port search of an org, and the statistics of a switch if all fields are requested. In the latter, ports
are applied only if `_time` is present, like the interfaces of `switch.py`.
"""

from __future__ import annotations

from collector.catalog.device_tables import ROOT_LABELS, throughput
from collector.catalog.objects import Object
from collector.catalog.ports import AUTH_STATES, POLLED_TTL_S, STP_ROLES, STP_STATES, counters, power_over_ethernet
from collector.catalog.units import MEGABITS
from collector.metrics.model import Entity, Flag, Gauge, Info, StateSet, timestamp

PORT_LABELS = (*ROOT_LABELS, "port_id")

SWITCH_PORT = Entity(
    "switch_port",
    labels=PORT_LABELS,
    ttl_s=POLLED_TTL_S,
    families=(
        # link
        Flag("mist_switch_port_up", "up", "Whether the link of the switch port is up."),
        Flag("mist_switch_port_active", "active", "Whether the switch port is active."),
        Flag("mist_switch_port_disabled", "disabled", "Whether the switch port is disabled by configuration."),
        Flag("mist_switch_port_unconfigured", "unconfigured", "Whether the switch port is unconfigured."),
        Flag("mist_switch_port_uplink", "uplink", "Whether the switch port is an uplink."),
        Flag("mist_switch_port_full_duplex", "full_duplex", "Whether the switch port operates in full duplex."),
        Gauge("mist_switch_port_speed_bytes_per_second", "speed", "Link speed of the switch port.", MEGABITS),
        timestamp("mist_switch_port_last_flap_timestamp_seconds", "last_flapped", "Time of the last link flap of the switch port, in seconds since the epoch."),
        *throughput("mist_switch_port", "switch port"),
        *counters("mist_switch_port"),
        *power_over_ethernet("mist_switch_port"),
        # switching
        Gauge("mist_switch_port_mac_entries", "mac_count", "Number of MAC addresses learned on the switch port."),
        Gauge("mist_switch_port_mac_entries_limit", "mac_limit", "Maximum number of MAC addresses learned on the switch port, 0 for no limit."),
        StateSet("mist_switch_port_stp_state", "stp_state", "Spanning tree (STP) state of the switch port (1 for the current state).", STP_STATES),
        StateSet("mist_switch_port_stp_role", "stp_role", "Spanning tree (STP) role of the switch port (1 for the current role).", STP_ROLES, label="role"),
        StateSet("mist_switch_port_auth_state", "auth_state", "State of 802.1X authentication on the switch port (1 for the current state).", AUTH_STATES),
        # info
        Info("mist_switch_port_info", {"port_mac": "port_mac", "usage": "port_usage", "poe_priority": "poe_priority"}, "Information about the switch port: MAC address, usage and PoE priority."),
        # name only: the MAC address of the neighbor may identify a personal device
        Info("mist_switch_port_neighbor_info", {"neighbor": "neighbor_system_name", "neighbor_port_description": "neighbor_port_desc"}, "Information about the LLDP neighbor of the switch port: system name and port description."),
        Info("mist_switch_port_transceiver_info", {"model": "xcvr_model", "part_number": "xcvr_part_number", "serial": "xcvr_serial"}, "Information about the transceiver in the switch port: model, part number and serial number."),
    ),
)  # fmt: skip

OBJECTS = (
    Object(
        "switch_port",
        (SWITCH_PORT,),
        PORT_LABELS,
        identity=("mac", "port_id"),
        rest="switch_port",
        inside=("switch.ports",),
        requires="_time",  # frames without it may repeat an old snapshot
    ),
)

NOT_EXPORTED = {
    "for_site": "Property of the device, not of the port; the label site_id contains the same information.",
    "jitter": "WAN link probe, measured by gateways only.",
    "latency": "WAN link probe, measured by gateways only.",
    "loss": "WAN link probe, measured by gateways only.",
    "type": "Always switch; part of the metric name.",
}
