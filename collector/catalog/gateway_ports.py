"""Table of gateway ports, as listed by the REST port search and, optionally, inside the statistics of a gateway."""

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
        Flag("mist_gateway_port_up", "up", "Whether the link of the gateway port is up."),
        Flag("mist_gateway_port_active", "active", "Whether the gateway port is active."),
        Flag("mist_gateway_port_disabled", "disabled", "Whether the gateway port is disabled by configuration."),
        Flag("mist_gateway_port_unconfigured", "unconfigured", "Whether the gateway port is unconfigured."),
        Flag("mist_gateway_port_full_duplex", "full_duplex", "Whether the gateway port operates in full duplex."),
        Gauge("mist_gateway_port_speed_bytes_per_second", "speed", "Link speed of the gateway port.", MEGABITS),
        *throughput("mist_gateway_port", "gateway port"),
        *counters("mist_gateway_port"),
        # WAN link probes
        Gauge("mist_gateway_port_latency_seconds", "latency", "Last sampled latency of the WAN link on the gateway port.", MILLISECONDS),
        Gauge("mist_gateway_port_jitter_seconds", "jitter", "Last sampled jitter of the WAN link on the gateway port.", MILLISECONDS),
        Gauge("mist_gateway_port_loss_ratio", "loss", "Last sampled packet loss of the WAN link on the gateway port.", PERCENT),
        # switching
        Gauge("mist_gateway_port_mac_entries", "mac_count", "Number of MAC addresses learned on the gateway port."),
        Gauge("mist_gateway_port_mac_entries_limit", "mac_limit", "Maximum number of MAC addresses learned on the gateway port, 0 for no limit."),
        *power_over_ethernet("mist_gateway_port"),
        StateSet("mist_gateway_port_auth_state", "auth_state", "State of 802.1X authentication on the gateway port (1 for the current state).", AUTH_STATES),
        StateSet("mist_gateway_port_stp_state", "stp_state", "Spanning tree (STP) state of the gateway port (1 for the current state).", STP_STATES),
        StateSet("mist_gateway_port_stp_role", "stp_role", "Spanning tree (STP) role of the gateway port (1 for the current role).", STP_ROLES, label="role"),
        # info
        Info("mist_gateway_port_info", {"port_mac": "port_mac", "usage": "port_usage"}, "Information about the gateway port: MAC address and usage."),
        # name only: the MAC address of the neighbor may identify a personal device
        Info("mist_gateway_port_neighbor_info", {"neighbor": "neighbor_system_name", "neighbor_port_description": "neighbor_port_desc"}, "Information about the LLDP neighbor of the gateway port: system name and port description."),
        Info("mist_gateway_port_transceiver_info", {"model": "xcvr_model", "part_number": "xcvr_part_number", "serial": "xcvr_serial"}, "Information about the transceiver in the gateway port: model, part number and serial number."),
        Info("mist_gateway_port_lte_info", {"imei": "lte_imei", "iccid": "lte_iccid"}, "Information about the LTE modem of the gateway: IMEI and ICCID."),
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
    "for_site": "Property of the device, not of the port; the label site_id contains the same information.",
    "type": "Always gateway; part of the metric name.",
}
