"""Mist Edges: everything that their statistics measure, and the tunnels that end on them.

No capture of the Mist Edge channels is public: that they carry what REST answers is an assumption (wire facts 4).
Memory is in bytes, whatever the schema says: a sample total of 8365957120 is 8 GB, not 8 TB.
"""

from __future__ import annotations

from collector.catalog.device_tables import BY_PERIOD, FIRMWARE_STATES, ROOT_LABELS, firmware_update, measured
from collector.catalog.objects import Object
from collector.catalog.ports import POLLED_TTL_S
from collector.catalog.units import MEGABITS
from collector.metrics.model import BY_KEY, PERCENT, Counter, Entity, Flag, Gauge, Info, StateSet, timestamp

KIND = "mxedge"

_EDGE = {"device_type": KIND}
_NEVER_SAID = ("cert_expiry", "last_trouble.timestamp", "auto_upgrade_stat.lastcheck")  # fields of the other devices
_MODES = ("user", "system", "interrupt", "idle")
# IEEE 802.1AX, the machines of LACP
_MUX_STATES = ("detached", "waiting", "attached", "collecting", "distributing")
_RECEIVE_STATES = ("initialize", "port_disabled", "expired", "lacp_disabled", "defaulted", "current")
_PORT_STATES = ("forwarding", "learning", "listening", "blocking", "disabled")

MXEDGE = Entity(
    "mxedge",
    labels=ROOT_LABELS,
    families=(
        *(family for family in measured(KIND, cpu="cpu_stat.usage", memory="memory_stat.usage") if family.paths[0] not in _NEVER_SAID),
        Gauge("mist_device_memory_total_bytes", "memory_stat.total", "Memory that the device has.", labels=_EDGE),
        *(
            Gauge("mist_mxedge_memory_bytes", f"memory_stat.{use}", "Memory by use, as the kernel accounts for it; the uses overlap.", labels={"use": use})
            for use in ("active", "inactive", "available", "free", "buffers", "cached")
        ),
        *(
            Gauge("mist_mxedge_swap_bytes", f"memory_stat.swap_{use}", "Swap space: all of it, what is free, and what is also still in memory.", labels={"use": use})
            for use in ("total", "free", "cached")
        ),
        Gauge("mist_mxedge_tunnels", "num_tunnels", "Tunnels that end on the Mist Edge at present."),
        Flag("mist_mxedge_tunnel_monitoring_failed", "tunterm_stat.monitoring_failed", "Whether the monitoring of tunnel termination fails."),
        Flag("mist_mxedge_tunnel_termination_registered", "tunterm_registered", "Whether the tunnel termination service is registered with Mist."),
        Flag("mist_mxedge_agent_registered", "mxagent_registered", "Whether the management agent is registered with Mist."),
        Flag("mist_mxedge_fips_enabled", "fips_enabled", "Whether the Mist Edge works in FIPS mode."),
        Flag("mist_mxedge_assigned_to_site", "for_site", "Whether the Mist Edge belongs to one site rather than to the organization."),
        Flag("mist_mxedge_separate_upstream_downstream", "tunterm_port_config.separate_upstream_downstream", "Whether tunnelled traffic has ports of its own for each direction."),
        *(
            Flag("mist_mxedge_management_ip6_enabled", f"oob_ip_config.{field}", "Whether the management interface takes an IPv6 address in this way.", labels={"way": way})
            for way, field in (("autoconf", "autoconf6"), ("dhcp", "dhcp6"))
        ),
        Info(
            "mist_mxedge_info",
            {
                "cluster_id": "mxcluster_id", "virtualization": "virtualization_type", "idrac_version": "idrac_version",
                "ip_assignment": "oob_ip_config.type", "ip6_assignment": "oob_ip_config.type6",
                "ip_in_use": "oob_ip_stat.type", "ip6_in_use": "oob_ip_stat.type8", "tunnel_ip": "tunterm_ip_config.ip",
            },
            "Cluster, platform and addressing of the Mist Edge.",
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
        Gauge("mist_mxedge_core_utilization_ratio", "usage", "Share of a core's time in use.", PERCENT),
        *(
            Gauge("mist_mxedge_core_mode_ratio", mode, "Share of a core's time spent in each mode.", PERCENT, {"mode": mode})
            for mode in _MODES
        ),
    ),
)  # fmt: skip

CORE_LOAD = Entity(
    "mxedge_core_load",
    within=CORE,
    at="load_avg[*]",
    labels={"period": BY_PERIOD},
    families=(Gauge("mist_mxedge_core_load_average", "", "Load average of a core over 1, 5 and 15 minutes."),),
)

PORT = Entity(
    "mxedge_port",
    within=MXEDGE,
    at="port_stat.{port}",
    labels={"port": BY_KEY},
    families=(
        Flag("mist_mxedge_port_up", "up", "Whether the Mist Edge's port has a link."),
        Flag("mist_mxedge_port_full_duplex", "full_duplex", "Whether the link of the Mist Edge's port is full duplex."),
        Gauge("mist_mxedge_port_speed_bytes_per_second", "speed", "Speed of the link of the Mist Edge's port.", MEGABITS),
        Counter("mist_mxedge_port_receive_bytes_total", "rx_bytes", "Bytes received by the port since the Mist Edge started."),
        Counter("mist_mxedge_port_transmit_bytes_total", "tx_bytes", "Bytes sent by the port since the Mist Edge started."),
        Counter("mist_mxedge_port_receive_packets_total", "rx_pkts", "Packets received by the port since the Mist Edge started."),
        Counter("mist_mxedge_port_transmit_packets_total", "tx_pkts", "Packets sent by the port since the Mist Edge started."),
        Counter("mist_mxedge_port_receive_errors_total", "rx_errors", "Receive errors of the port since the Mist Edge started."),
        Counter("mist_mxedge_port_transmit_errors_total", "tx_errors", "Transmit errors of the port since the Mist Edge started."),
        Counter("mist_mxedge_port_lacp_receive_pdus_total", "lacp.rx_lacpdu", "LACP messages received by the port."),
        Counter("mist_mxedge_port_lacp_transmit_pdus_total", "lacp.tx_lacpdu", "LACP messages sent by the port."),
        Gauge("mist_mxedge_port_optics_speed_bytes_per_second", "sfp.mbps", "Speed that the transceiver is made for.", MEGABITS),
        StateSet("mist_mxedge_port_state", "state", "Forwarding state of the port.", _PORT_STATES),
        StateSet("mist_mxedge_port_lacp_mux_state", "lacp.mux_state", "State of the port in its bundle; distributing is a working member.", _MUX_STATES),
        StateSet("mist_mxedge_port_lacp_receive_state", "lacp.rx_state", "What the port hears of its LACP partner; current is well.", _RECEIVE_STATES),
        Info(
            "mist_mxedge_port_neighbor_info",
            {
                "neighbor": "lldp_stats.system_name", "neighbor_port": "lldp_stats.port_id",
                "neighbor_port_description": "lldp_stats.port_desc", "chassis_id": "lldp_stats.chassis_id",
                "management_address": "lldp_stats.mgmt_addr",
            },
            "The switch port at the other end of a Mist Edge's cable.",
        ),
        Info(
            "mist_mxedge_port_optics_info",
            {"vendor": "sfp.vendor", "part": "sfp.part_no", "serial": "sfp.serial_no", "form": "sfp.codes"},
            "The transceiver in the port.",
        ),
    ),
)  # fmt: skip

SERVICE = Entity(
    "mxedge_service",
    within=MXEDGE,
    at="service_stat.{service}",
    labels={"service": BY_KEY},
    families=(
        Gauge("mist_mxedge_service_uptime_seconds", "uptime", "Time since the service started."),
        timestamp("mist_mxedge_service_last_seen_timestamp_seconds", "last_seen", "When the Mist cloud last heard of the service."),
        StateSet("mist_mxedge_service_state", "running_state", "Whether the service runs.", ("running", "stopped", "failed")),
        Info(
            "mist_mxedge_service_info",
            {"version": "package_version", "package_state": "package_state", "external_ip": "ext_ip"},
            "Version and installation of the service's package, and the address it reaches the cloud from.",
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
        StateSet("mist_mxtunnel_state", "state", "State of the tunnel between an AP, or another Mist Edge, and a Mist Edge.", TUNNEL_STATES),
        Gauge("mist_mxtunnel_uptime_seconds", "uptime", "Time since the tunnel came up."),
        Gauge("mist_mxtunnel_mtu_bytes", "mtu", "Largest packet on the tunnel's path."),
        Counter("mist_mxtunnel_receive_control_packets_total", "rx_control_pkts", "Control packets received since the tunnel came up."),
        Counter("mist_mxtunnel_transmit_control_packets_total", "tx_control_pkts", "Control packets sent since the tunnel came up."),
        timestamp("mist_mxtunnel_last_seen_timestamp_seconds", "last_seen", "When the Mist cloud last heard of the tunnel."),
        Flag("mist_mxtunnel_for_site", "for_site", "Whether the tunnel belongs to one site rather than to the organization."),
        Gauge("mist_mxtunnel_firmware_update_progress_ratio", "fwupdate.progress", "How far the firmware update at the tunnel's end is.", PERCENT),
        timestamp("mist_mxtunnel_firmware_update_timestamp_seconds", "fwupdate.timestamp", "When the state of the firmware update at the tunnel's end last changed."),
        Flag("mist_mxtunnel_firmware_update_will_retry", "fwupdate.will_retry", "Whether a failed firmware update at the tunnel's end will be tried again."),
        StateSet("mist_mxtunnel_firmware_update_status", "fwupdate.status", "State of the firmware update at the tunnel's end.", FIRMWARE_STATES),
        Info("mist_mxtunnel_info", {"cluster_id": "mxcluster_id", "remote_ip": "remote_ip"}, "Cluster and far address of the tunnel."),
    ),
)  # fmt: skip

TUNNEL_SESSION = Entity(
    "mxtunnel_session",
    within=TUNNEL,
    at="sessions[*]",
    key="remote_id",
    labels={"session": BY_KEY},
    ttl_s=POLLED_TTL_S,
    families=(StateSet("mist_mxtunnel_session_state", "state", "State of a session in the tunnel.", TUNNEL_STATES),),
)

OBJECTS = (Object("mxtunnel", (TUNNEL,), TUNNEL_LABELS, nested=(TUNNEL_SESSION,), rest="mxtunnel"),)
