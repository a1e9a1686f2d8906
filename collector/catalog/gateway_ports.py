"""Ports of gateways, as the port search of REST lists them; a gateway's statistics may hold the same list."""

from __future__ import annotations

from collector.catalog.device_tables import ROOT_LABELS, throughput
from collector.catalog.objects import Object
from collector.catalog.ports import AUTH_STATES, POLLED_TTL_S, STP_ROLES, STP_STATES, counters, power_over_ethernet
from collector.catalog.units import MEGABITS, MILLISECONDS
from collector.metrics.model import PERCENT, Entity, Flag, Gauge, Info, StateSet

LABELS = (*ROOT_LABELS, "port_id")

GATEWAY_PORT = Entity(
    "gateway_port",
    labels=LABELS,
    ttl_s=POLLED_TTL_S,
    families=(
        Flag("mist_gateway_port_up", "up", "Whether the gateway's port has a link."),
        Flag("mist_gateway_port_active", "active", "Whether the gateway's port is in use."),
        Flag("mist_gateway_port_disabled", "disabled", "Whether the gateway's port is switched off by configuration."),
        Flag("mist_gateway_port_unconfigured", "unconfigured", "Whether the gateway's port has no configuration."),
        Flag("mist_gateway_port_full_duplex", "full_duplex", "Whether the link of the gateway's port is full duplex."),
        Gauge("mist_gateway_port_speed_bytes_per_second", "speed", "Speed of the link of the gateway's port.", MEGABITS),
        *throughput("mist_gateway_port", told_by="gateway"),
        *counters("mist_gateway_port"),
        # probes of a WAN link
        Gauge("mist_gateway_port_latency_seconds", "latency", "Latency of the link, as last sampled.", MILLISECONDS),
        Gauge("mist_gateway_port_jitter_seconds", "jitter", "Jitter of the link, as last sampled.", MILLISECONDS),
        Gauge("mist_gateway_port_loss_ratio", "loss", "Share of packets lost on the link, as last sampled.", PERCENT),
        # switching
        Gauge("mist_gateway_port_mac_entries", "mac_count", "MAC addresses learned on the gateway's port."),
        Gauge("mist_gateway_port_mac_entries_limit", "mac_limit", "MAC addresses that the gateway's port may learn; 0 is no limit."),
        *power_over_ethernet("mist_gateway_port"),
        StateSet("mist_gateway_port_auth_state", "auth_state", "State of 802.1X on a gateway's port that authenticates.", AUTH_STATES),
        StateSet("mist_gateway_port_stp_state", "stp_state", "State of the gateway's port in the spanning tree.", STP_STATES),
        StateSet("mist_gateway_port_stp_role", "stp_role", "Role of the gateway's port in the spanning tree.", STP_ROLES, label="role"),
        # words
        Info("mist_gateway_port_info", {"port_mac": "port_mac", "usage": "port_usage"}, "MAC address of the gateway's port, and what it is used for."),
        # by name only: the neighbour's MAC may be that of somebody's telephone or computer
        Info("mist_gateway_port_neighbor_info", {"neighbor": "neighbor_system_name", "neighbor_port_description": "neighbor_port_desc"}, "The device at the other end of the cable in the gateway's port."),
        Info("mist_gateway_port_transceiver_info", {"model": "xcvr_model", "part_number": "xcvr_part_number", "serial": "xcvr_serial"}, "The optical module in the gateway's port."),
        Info("mist_gateway_port_lte_info", {"imei": "lte_imei", "iccid": "lte_iccid"}, "The cellular modem of the gateway, and its SIM card."),
    ),
)  # fmt: skip

OBJECTS = (
    Object(
        "gateway_port",
        (GATEWAY_PORT,),
        LABELS,
        identity=("mac", "port_id"),
        rest="gateway_port",
        inside=("gateway.ports",),
    ),
)

NOT_EXPORTED = {
    "for_site": "Says of the device, not of the port, that it belongs to a site; the label site_id does.",
    "type": "It is gateway on every port of a gateway, as the metric's name says.",
}
