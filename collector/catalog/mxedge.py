"""Tables of Mist Edges and of the Mist Tunnels that terminate on them.

No capture of the Mist Edge channels is public. The tables assume that the channels carry the same objects as the REST
API. Memory is in bytes, although the schema states kB: a sample total of 8365957120 is 8 GB, not 8 TB.
"""

from __future__ import annotations

from collector.catalog.device_tables import BY_PERIOD, FIRMWARE_STATES, ROOT_LABELS, firmware_update, measured
from collector.catalog.objects import Object
from collector.catalog.ports import POLLED_TTL_S
from collector.catalog.units import MEGABITS
from collector.metrics.model import BY_KEY, PERCENT, Counter, Entity, Flag, Gauge, Info, StateSet, timestamp

KIND = "mxedge"

_EDGE = {"device_type": KIND}
_NOT_REPORTED = ("cert_expiry", "last_trouble.timestamp", "auto_upgrade_stat.lastcheck")  # fields of other device types
_MODES = ("user", "system", "interrupt", "idle")
# states of the LACP state machines, IEEE 802.1AX
_MUX_STATES = ("detached", "waiting", "attached", "collecting", "distributing")
_RECEIVE_STATES = ("initialize", "port_disabled", "expired", "lacp_disabled", "defaulted", "current")
_PORT_STATES = ("forwarding", "learning", "listening", "blocking", "disabled")

MXEDGE = Entity(
    "mxedge",
    labels=ROOT_LABELS,
    families=(
        *(family for family in measured(KIND, cpu="cpu_stat.usage", memory="memory_stat.usage") if family.paths[0] not in _NOT_REPORTED),
        Gauge("mist_device_memory_total_bytes", "memory_stat.total", "Total memory of the device.", labels=_EDGE),
        *(
            Gauge("mist_mxedge_memory_bytes", f"memory_stat.{use}", "Memory of the Mist Edge by use, as accounted by the kernel; uses overlap.", labels={"use": use})
            for use in ("active", "inactive", "available", "free", "buffers", "cached")
        ),
        *(
            Gauge("mist_mxedge_swap_bytes", f"memory_stat.swap_{use}", "Swap space of the Mist Edge: total, free and cached.", labels={"use": use})
            for use in ("total", "free", "cached")
        ),
        Gauge("mist_mxedge_tunnels", "num_tunnels", "Number of tunnels terminated by the Mist Edge."),
        Flag("mist_mxedge_tunnel_monitoring_failed", "tunterm_stat.monitoring_failed", "Whether the tunnel termination monitoring of the Mist Edge is failing."),
        Flag("mist_mxedge_tunnel_termination_registered", "tunterm_registered", "Whether the tunnel termination service of the Mist Edge is registered with Mist."),
        Flag("mist_mxedge_agent_registered", "mxagent_registered", "Whether the management agent of the Mist Edge is registered with Mist."),
        Flag("mist_mxedge_fips_enabled", "fips_enabled", "Whether FIPS mode is enabled on the Mist Edge."),
        Flag("mist_mxedge_assigned_to_site", "for_site", "Whether the Mist Edge is assigned to a site instead of the organization."),
        Flag("mist_mxedge_separate_upstream_downstream", "tunterm_port_config.separate_upstream_downstream", "Whether the Mist Edge uses separate ports for upstream and downstream tunnel traffic."),
        *(
            Flag("mist_mxedge_management_ip6_enabled", f"oob_ip_config.{field}", "Whether IPv6 address assignment of the management interface is enabled, by method.", labels={"way": way})
            for way, field in (("autoconf", "autoconf6"), ("dhcp", "dhcp6"))
        ),
        Info(
            "mist_mxedge_info",
            {
                "cluster_id": "mxcluster_id", "virtualization": "virtualization_type", "idrac_version": "idrac_version",
                "ip_assignment": "oob_ip_config.type", "ip6_assignment": "oob_ip_config.type6",
                "ip_in_use": "oob_ip_stat.type", "ip6_in_use": "oob_ip_stat.type8", "tunnel_ip": "tunterm_ip_config.ip",
            },
            "Information about the Mist Edge: cluster, virtualization, iDRAC version and IP addressing.",
        ),
        firmware_update("mxedge"),
    ),
)  # fmt: skip

CORE = Entity(
    "mxedge_core",
    within=MXEDGE,
    at="cpu_stat.cpus.{cpu}",
    labels={"cpu": BY_KEY},
    families=(
        Gauge("mist_mxedge_core_utilization_ratio", "usage", "Utilization of the CPU core of the Mist Edge.", PERCENT),
        *(
            Gauge("mist_mxedge_core_mode_ratio", mode, "Fraction of time the CPU core spent in each mode.", PERCENT, {"mode": mode})
            for mode in _MODES
        ),
    ),
)  # fmt: skip

CORE_LOAD = Entity(
    "mxedge_core_load",
    within=CORE,
    at="load_avg[*]",
    labels={"period": BY_PERIOD},
    families=(Gauge("mist_mxedge_core_load_average", "", "Load average of the CPU core over 1, 5 and 15 minutes."),),
)

PORT = Entity(
    "mxedge_port",
    within=MXEDGE,
    at="port_stat.{port}",
    labels={"port": BY_KEY},
    families=(
        Flag("mist_mxedge_port_up", "up", "Whether the link of the Mist Edge port is up."),
        Flag("mist_mxedge_port_full_duplex", "full_duplex", "Whether the Mist Edge port operates in full duplex."),
        Gauge("mist_mxedge_port_speed_bytes_per_second", "speed", "Link speed of the Mist Edge port.", MEGABITS),
        Counter("mist_mxedge_port_receive_bytes_total", "rx_bytes", "Total number of bytes received on the port since the Mist Edge started."),
        Counter("mist_mxedge_port_transmit_bytes_total", "tx_bytes", "Total number of bytes transmitted on the port since the Mist Edge started."),
        Counter("mist_mxedge_port_receive_packets_total", "rx_pkts", "Total number of packets received on the port since the Mist Edge started."),
        Counter("mist_mxedge_port_transmit_packets_total", "tx_pkts", "Total number of packets transmitted on the port since the Mist Edge started."),
        Counter("mist_mxedge_port_receive_errors_total", "rx_errors", "Total number of receive errors on the port since the Mist Edge started."),
        Counter("mist_mxedge_port_transmit_errors_total", "tx_errors", "Total number of transmit errors on the port since the Mist Edge started."),
        Counter("mist_mxedge_port_lacp_receive_pdus_total", "lacp.rx_lacpdu", "Total number of LACPDUs received on the Mist Edge port."),
        Counter("mist_mxedge_port_lacp_transmit_pdus_total", "lacp.tx_lacpdu", "Total number of LACPDUs transmitted on the Mist Edge port."),
        Gauge("mist_mxedge_port_optics_speed_bytes_per_second", "sfp.mbps", "Nominal speed of the transceiver in the Mist Edge port.", MEGABITS),
        StateSet("mist_mxedge_port_state", "state", "Forwarding state of the Mist Edge port (1 for the current state).", _PORT_STATES),
        StateSet("mist_mxedge_port_lacp_mux_state", "lacp.mux_state", "LACP mux state of the Mist Edge port, distributing for an active LAG member (1 for the current state).", _MUX_STATES),
        StateSet("mist_mxedge_port_lacp_receive_state", "lacp.rx_state", "LACP receive state of the Mist Edge port, current for a responding partner (1 for the current state).", _RECEIVE_STATES),
        Info(
            "mist_mxedge_port_neighbor_info",
            {
                "neighbor": "lldp_stats.system_name", "neighbor_port": "lldp_stats.port_id",
                "neighbor_port_description": "lldp_stats.port_desc", "chassis_id": "lldp_stats.chassis_id",
                "management_address": "lldp_stats.mgmt_addr",
            },
            "Information about the LLDP neighbor of the Mist Edge port: name, port, chassis ID and management address.",
        ),
        Info(
            "mist_mxedge_port_optics_info",
            {"vendor": "sfp.vendor", "part": "sfp.part_no", "serial": "sfp.serial_no", "form": "sfp.codes"},
            "Information about the transceiver in the Mist Edge port: vendor, part number, serial number and form.",
        ),
    ),
)  # fmt: skip

SERVICE = Entity(
    "mxedge_service",
    within=MXEDGE,
    at="service_stat.{service}",
    labels={"service": BY_KEY},
    families=(
        Gauge("mist_mxedge_service_uptime_seconds", "uptime", "Time since the service of the Mist Edge started."),
        timestamp("mist_mxedge_service_last_seen_timestamp_seconds", "last_seen", "Time when the service of the Mist Edge was last seen by the Mist cloud, in seconds since the epoch."),
        StateSet("mist_mxedge_service_state", "running_state", "State of the service of the Mist Edge (1 for the current state).", ("running", "stopped", "failed")),
        Info(
            "mist_mxedge_service_info",
            {"version": "package_version", "package_state": "package_state", "external_ip": "ext_ip"},
            "Information about the service of the Mist Edge: package version, package state and external IP address.",
        ),
    ),
)  # fmt: skip

NESTED = (CORE, CORE_LOAD, PORT, SERVICE)

TUNNEL_STATES = ("established", "established_with_sessions", "idle", "wait-ctrl-conn", "wait-ctrl-reply")
TUNNEL_LABELS = ("org_id", "site_id", "mxtunnel_id", "mxedge_id", "ap", "peer_mxedge_id")

TUNNEL = Entity(
    "mxtunnel",
    labels=TUNNEL_LABELS,
    ttl_s=POLLED_TTL_S,
    families=(
        StateSet("mist_mxtunnel_state", "state", "State of the Mist Tunnel from an AP or Mist Edge to a Mist Edge (1 for the current state).", TUNNEL_STATES),
        Gauge("mist_mxtunnel_uptime_seconds", "uptime", "Time since the Mist Tunnel came up."),
        Gauge("mist_mxtunnel_mtu_bytes", "mtu", "MTU of the path of the Mist Tunnel."),
        Counter("mist_mxtunnel_receive_control_packets_total", "rx_control_pkts", "Total number of control packets received since the Mist Tunnel came up."),
        Counter("mist_mxtunnel_transmit_control_packets_total", "tx_control_pkts", "Total number of control packets transmitted since the Mist Tunnel came up."),
        timestamp("mist_mxtunnel_last_seen_timestamp_seconds", "last_seen", "Time when the Mist Tunnel was last seen by the Mist cloud, in seconds since the epoch."),
        Flag("mist_mxtunnel_for_site", "for_site", "Whether the Mist Tunnel belongs to a site instead of the organization."),
        Gauge("mist_mxtunnel_firmware_update_progress_ratio", "fwupdate.progress", "Progress of the firmware update of the tunnel endpoint.", PERCENT),
        timestamp("mist_mxtunnel_firmware_update_timestamp_seconds", "fwupdate.timestamp", "Time of the last firmware update status change of the tunnel endpoint, in seconds since the epoch."),
        Flag("mist_mxtunnel_firmware_update_will_retry", "fwupdate.will_retry", "Whether a failed firmware update of the tunnel endpoint will be retried."),
        StateSet("mist_mxtunnel_firmware_update_status", "fwupdate.status", "Status of the firmware update of the tunnel endpoint (1 for the current status).", FIRMWARE_STATES),
        Info("mist_mxtunnel_info", {"cluster_id": "mxcluster_id", "remote_ip": "remote_ip"}, "Information about the Mist Tunnel: Mist Edge cluster and remote IP address."),
    ),
)  # fmt: skip

TUNNEL_SESSION = Entity(
    "mxtunnel_session",
    within=TUNNEL,
    at="sessions[*]",
    key="remote_id",
    labels={"session": BY_KEY},
    ttl_s=POLLED_TTL_S,
    families=(
        StateSet(
            "mist_mxtunnel_session_state",
            "state",
            "State of a session of the Mist Tunnel (1 for the current state).",
            TUNNEL_STATES,
        ),
    ),
)

OBJECTS = (Object("mxtunnel", (TUNNEL,), TUNNEL_LABELS, nested=(TUNNEL_SESSION,), rest="mxtunnel"),)
