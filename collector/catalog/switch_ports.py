"""Ports of switches, which only REST tells in full: bytes, errors, PoE, optics, spanning tree.

They come from the port search of an org, and inside a switch's own statistics where all its fields are asked for; there
they are believed, like its interfaces, only beside `_time`.
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
        # the link
        Flag("mist_switch_port_up", "up", "Whether the switch's port has a link."),
        Flag("mist_switch_port_active", "active", "Whether the switch's port is in use."),
        Flag("mist_switch_port_disabled", "disabled", "Whether the switch's port is switched off by configuration."),
        Flag("mist_switch_port_unconfigured", "unconfigured", "Whether the switch's port has no configuration."),
        Flag("mist_switch_port_uplink", "uplink", "Whether the switch's port is an uplink."),
        Flag("mist_switch_port_full_duplex", "full_duplex", "Whether the link of the switch's port is full duplex."),
        Gauge("mist_switch_port_speed_bytes_per_second", "speed", "Speed of the link of the switch's port.", MEGABITS),
        timestamp("mist_switch_port_last_flap_timestamp_seconds", "last_flapped", "When the link of the switch's port last went up or down."),
        *throughput("mist_switch_port", told_by="switch"),
        *counters("mist_switch_port"),
        *power_over_ethernet("mist_switch_port"),
        # switching
        Gauge("mist_switch_port_mac_entries", "mac_count", "MAC addresses learned on the switch's port."),
        Gauge("mist_switch_port_mac_entries_limit", "mac_limit", "MAC addresses that the switch's port may learn; 0 is no limit."),
        StateSet("mist_switch_port_stp_state", "stp_state", "State of the switch's port in the spanning tree.", STP_STATES),
        StateSet("mist_switch_port_stp_role", "stp_role", "Role of the switch's port in the spanning tree.", STP_ROLES, label="role"),
        StateSet("mist_switch_port_auth_state", "auth_state", "State of 802.1X on a switch's port that authenticates.", AUTH_STATES),
        # words
        Info("mist_switch_port_info", {"port_mac": "port_mac", "usage": "port_usage", "poe_priority": "poe_priority"}, "MAC address of the switch's port, and what it is used for."),
        # by name only: the neighbour's MAC may be that of somebody's telephone or computer
        Info("mist_switch_port_neighbor_info", {"neighbor": "neighbor_system_name", "neighbor_port_description": "neighbor_port_desc"}, "The device at the other end of the cable in the switch's port."),
        Info("mist_switch_port_transceiver_info", {"model": "xcvr_model", "part_number": "xcvr_part_number", "serial": "xcvr_serial"}, "The optical module in the switch's port."),
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
        beside="_time",  # other frames may repeat an old snapshot
    ),
)

NOT_EXPORTED = {
    "for_site": "Says of the device, not of the port, that it belongs to a site; the label site_id does.",
    "jitter": "Probes of a WAN link, which only gateways take.",
    "latency": "Probes of a WAN link, which only gateways take.",
    "loss": "Probes of a WAN link, which only gateways take.",
    "type": "It is switch on every port of a switch, as the metric's name says.",
}
