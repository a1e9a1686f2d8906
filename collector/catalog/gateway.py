"""Gateways: an SRX, a cluster of two SRX in one message, or a node of an SSR router (wire facts 4.1 and 7.9).

A cluster says what its second node measures under keys of their own (`if2_stat` beside `if_stat`); the label `node`
tells them apart. The nodes of an SSR router are devices of their own, each with its MAC: a message has one node only,
which is node0 here whatever the router calls it; `node_name` on `mist_gateway_info` is the router's word for it.

Ports, WAN tunnels, VPN and BGP peers may ride along; they have rows of their own (`gateway_ports.py`, `wan.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.catalog import gateway_ports
from collector.catalog.device_tables import (
    ROOT_LABELS,
    engine,
    expiring_certificates,
    firmware_update,
    load_average,
    measured,
)
from collector.metrics.model import BY_KEY, PERCENT, At, Counter, Entity, Flag, Gauge, Info, Label, StateSet, timestamp

if TYPE_CHECKING:
    from collector.metrics.model import AnyFamily

LINK_STATES = ("up", "down")
PART_STATES = ("ok", "failed", "absent")  # of fans, power supplies and sensors
HEALTH = ("healthy", "not healthy")
HA_MODES = ("active-active", "active-passive", "active-backup")


def both_nodes(first: str, second: str) -> tuple[At, At]:
    """The places of one entity on the first and on the second node of a cluster."""
    return At(first, {"node": "node0"}), At(second, {"node": "node1"})


def config_status(text: str) -> str:
    """Mist spells the usual state COMMITED."""
    state = text.lower()
    return "committed" if state == "commited" else state


GATEWAY = Entity(
    "gateway",
    labels=ROOT_LABELS,
    families=(
        *measured("gateway", cpu="cpu_stat.usage", memory="memory_stat.usage", node="node0"),
        *engine("gateway", cpu="cpu2_stat.usage", memory="memory2_stat.usage", shares="cpu2_stat", node="node1"),
        # tables
        Gauge("mist_gateway_arp_entries", "arp_table_stats.arp_table_count", "Entries in the gateway's ARP table."),
        Gauge("mist_gateway_arp_entries_limit", "arp_table_stats.max_entries_supported", "Entries that the ARP table has room for."),
        Gauge("mist_gateway_mac_entries", "mac_table_stats.mac_table_count", "Addresses learned in the MAC table."),
        Gauge("mist_gateway_mac_entries_limit", "mac_table_stats.max_mac_entries_supported", "Addresses that the MAC table has room for."),
        Gauge("mist_gateway_routes", "route_summary_stats.total_routes", "Routes known to the gateway."),
        Gauge("mist_gateway_rib_routes", "route_summary_stats.rib_routes", "Routes in the routing information base."),
        Gauge("mist_gateway_fib_routes", "route_summary_stats.fib_routes", "Routes in the forwarding information base."),
        Gauge("mist_gateway_unicast_routes_limit", "route_summary_stats.max_unicast_routes_supported", "Unicast routes that the gateway has room for."),
        # access points behind it
        Gauge("mist_gateway_redundancy_aps", "ap_redundancy.num_aps", "Access points that are looked at for redundancy."),
        Gauge("mist_gateway_redundancy_covered_aps", "ap_redundancy.num_aps_with_switch_redundancy", "Access points behind the gateway whose neighbours on other switches could take over."),
        # high availability
        Flag("mist_gateway_ha_enabled", "is_ha", "Whether the gateway is part of a high-availability pair."),
        StateSet("mist_gateway_ha_state", "ha_state", "What this node of a router does in its high-availability pair.", ("active", "standby", "running")),
        StateSet("mist_gateway_cluster_state", "cluster_stat.state", "State of the cluster as Mist sees it.", ("online", "offline")),
        StateSet("mist_gateway_cluster_status", "cluster_config.status", "Health of the cluster as its traffic light.", ("green", "yellow", "red")),
        StateSet("mist_gateway_cluster_configured_mode", "cluster_config.configuration", "How the nodes of the cluster are configured to share the work.", HA_MODES, label="mode"),
        StateSet("mist_gateway_cluster_operational_mode", "cluster_config.operational", "How the nodes of the cluster share the work at present.", HA_MODES, label="mode"),
        StateSet("mist_gateway_cluster_primary_health", "cluster_config.primary_node_health", "Health of the primary node of the cluster.", HEALTH),
        StateSet("mist_gateway_cluster_secondary_health", "cluster_config.secondary_node_health", "Health of the secondary node of the cluster.", HEALTH),
        StateSet("mist_gateway_cluster_control_link_status", "cluster_config.control_link_info.status", "State of the control link between the nodes.", LINK_STATES),
        StateSet("mist_gateway_cluster_fabric_link_status", "cluster_config.fabric_link_info.InternalStatus", "State of the fabric link between the nodes.", LINK_STATES),
        StateSet("mist_gateway_cluster_fabric_data_plane_status", "cluster_config.fabric_link_info.DataPlaneNotifiedStatus", "State of the fabric link as the data plane was told.", LINK_STATES),
        Info(
            "mist_gateway_cluster_info",
            {
                "control_link": "cluster_config.control_link_info.name",
                "fabric_link_state": "cluster_config.fabric_link_info.State",
                "fabric_link_status": "cluster_config.fabric_link_info.Status",
                "last_change_reason": "cluster_config.last_status_change_reason",
            },
            "Links between the nodes of the cluster, and why its status last changed.",
        ),
        # configuration and the rest
        StateSet("mist_gateway_config_status", "config_status", "Whether the gateway runs the configuration that Mist has for it.", ("committed", "synced"), fold=config_status),
        timestamp("mist_gateway_config_status_timestamp_seconds", "config_timestamp", "When the status of the configuration last changed."),
        timestamp("mist_gateway_config_version_timestamp_seconds", "config_version", "Version of the configuration that the gateway runs: when it was made."),
        Flag("mist_gateway_packet_capture_supported", "has_pcap", "Whether a packet capture of the gateway can be fetched."),
        Info(
            "mist_gateway_security_services_info",
            {
                "appid_status": "service_status.appid_status",
                "appid_install_result": "service_status.appid_install_result",
                "appid_install_time": "service_status.appid_install_timestamp",
                "idp_status": "service_status.idp_status",
                "idp_policy": "service_status.idp_policy",
                "idp_install_result": "service_status.idp_install_result",
                "idp_install_time": "service_status.idp_install_timestamp",
                "idp_update_time": "service_status.idp_update_timestamp",
                "ewf_status": "service_status.ewf_status",
            },
            "State of application identification, intrusion detection and web filtering.",
        ),
        Info(
            "mist_gateway_info",
            {
                "node_name": "node_name", "router_name": "router_name", "conductor": "conductor_name",
                "device_profile": "deviceprofile_name", "trouble_code": "last_trouble.code",
            },
            "What the gateway is called among routers, its profile, and the code of its last trouble.",
        ),
        firmware_update("gateway"),
    ),
)  # fmt: skip

INTERFACE = Entity(
    "gateway_interface",
    within=GATEWAY,
    at=both_nodes("if_stat.{interface}", "if2_stat.{interface}"),
    labels={"interface": BY_KEY},
    families=(
        Flag("mist_gateway_interface_up", "up", "Whether the gateway's logical interface is up."),
        Counter("mist_gateway_interface_receive_bytes_total", "rx_bytes", "Bytes received by the logical interface since the gateway started."),
        Counter("mist_gateway_interface_transmit_bytes_total", "tx_bytes", "Bytes sent by the logical interface since the gateway started."),
        Counter("mist_gateway_interface_receive_packets_total", "rx_pkts", "Packets received by the logical interface since the gateway started."),
        Counter("mist_gateway_interface_transmit_packets_total", "tx_pkts", "Packets sent by the logical interface since the gateway started."),
        Info(
            "mist_gateway_interface_info",
            {
                "port_id": "port_id", "usage": "port_usage", "network": "network_name", "vlan": "vlan", "wan": "wan_name",
                "wan_type": "wan_type", "address_mode": "address_mode", "redundancy_state": "redundancy_state",
            },
            "Port below the logical interface, and the network or WAN link that it serves.",
        ),
        Info(
            "mist_gateway_interface_provider_info",
            {
                "provider": "servp_info.org", "asn": "servp_info.asn", "city": "servp_info.city",
                "region": "servp_info.region_code", "country": "servp_info.country_code",
            },
            "Service provider behind the WAN link, by the public address.",
        ),
    ),
)  # fmt: skip

DHCP_POOL = Entity(
    "gateway_dhcp_pool",
    within=GATEWAY,
    at=both_nodes("dhcpd_stat.{network}", "dhcpd2_stat.{network}"),
    labels={"network": BY_KEY},
    families=(
        Gauge("mist_gateway_dhcp_pool_addresses", "num_ips", "Addresses in the DHCP pool of the network."),
        Gauge("mist_gateway_dhcp_pool_leases", "num_leased", "Addresses of the DHCP pool that are leased."),
    ),
)


def sessions(which: str) -> tuple[str, str]:
    """Where a unit says how many sessions it has: beside its load, or one level deeper (wire facts 7.1)."""
    return f"spu_{which}_session", f"sessions.spu_{which}_session"


SPU = Entity(
    "gateway_spu",
    within=GATEWAY,
    at=both_nodes("spu_stat[*]", "spu2_stat[*]"),
    labels={"spu": BY_KEY},
    families=(
        Gauge("mist_gateway_spu_cpu_utilization_ratio", "spu_cpu", "Share of processor time in use on the services processing unit.", PERCENT),
        Gauge("mist_gateway_spu_memory_utilization_ratio", "spu_memory", "Share of memory in use on the services processing unit.", PERCENT),
        Gauge("mist_gateway_spu_uptime_seconds", "spu_uptime", "Time since the services processing unit started."),
        Gauge("mist_gateway_spu_sessions", sessions("current"), "Sessions that the services processing unit handles."),
        Gauge("mist_gateway_spu_sessions_limit", sessions("max"), "Sessions that the services processing unit can handle."),
        Gauge("mist_gateway_spu_pending_sessions", sessions("pending"), "Sessions that are still being set up."),
        Gauge("mist_gateway_spu_valid_sessions", sessions("valid"), "Sessions that are valid."),
    ),
)  # fmt: skip

_FIRMWARE = {
    "backup": "backup_version", "pending": "pending_version", "recovery": "recovery_version",
    "boot_partition": "boot_partition", "bios": "bios_version", "uboot": "uboot_version",
    "cpld": "cpld_version", "optics_cpld": "optics_cpld_version", "power_cpld": "power_cpld_version",
    "fpga": "fpga_version", "re_fpga": "re_fpga_version", "tmc_fpga": "tmc_fpga_version", "poe": "poe_version",
}  # fmt: skip

MODULE = Entity(
    "gateway_module",
    within=GATEWAY,
    at=both_nodes("module_stat[*]", "module2_stat[*]"),
    labels={"module": BY_KEY},
    families=(
        Gauge("mist_gateway_module_uptime_seconds", "uptime", "Time since the module started."),
        timestamp("mist_gateway_module_last_seen_timestamp_seconds", "last_seen", "When the module was last seen."),
        Flag("mist_gateway_module_locating", "locating", "Whether the module blinks so that it can be found."),
        Gauge("mist_gateway_module_memory_utilization_ratio", "memory_stat.usage", "Share of memory in use on the module.", PERCENT),
        Gauge("mist_gateway_module_poe_power_limit_watts", "poe.max_power", "Power that the module can give to powered devices."),
        Gauge("mist_gateway_module_poe_power_draw_watts", "poe.power_draw", "Power that the module gives to powered devices."),
        StateSet("mist_gateway_module_poe_status", "poe.status", "State of power over Ethernet on the module.", ("on", "off")),
        StateSet("mist_gateway_module_status", "status", "Whether the module is connected.", ("connected", "disconnected")),
        StateSet("mist_gateway_module_vc_role", "vc_role", "Role of the module among its peers.", ("master", "primary", "backup", "secondary", "linecard"), label="role"),
        StateSet("mist_gateway_module_vc_state", "vc_state", "State of the module among its peers.", ("active", "inactive", "present")),
        Info("mist_gateway_module_info", {"module_mac": "mac", "serial": "serial", "model": "model", "version": "version", "vc_mode": "vc_mode"}, "Model, serial number and firmware of the module."),
        Info("mist_gateway_module_firmware_info", _FIRMWARE, "Versions of everything on the module that has one."),
    ),
)  # fmt: skip


def part(name: str, at: str, label: str, *families: AnyFamily) -> Entity:
    """A kind of replaceable parts of a module, by their names."""
    return Entity(f"gateway_{name}", within=MODULE, at=at, key="name", labels={label: BY_KEY}, families=families)


FAN = part(
    "fan", "fans[*]", "fan",
    Gauge("mist_gateway_fan_speed_rpm", "rpm", "Revolutions of the fan a minute."),
    StateSet("mist_gateway_fan_status", "status", "State of the gateway's fan.", PART_STATES),
    Info("mist_gateway_fan_info", {"airflow": "airflow"}, "Direction in which the gateway's fan blows."),
)  # fmt: skip
POWER_SUPPLY = part(
    "power_supply", "psus[*]", "power_supply",
    StateSet("mist_gateway_power_supply_status", "status", "State of the gateway's power supply.", PART_STATES),
)  # fmt: skip
TEMPERATURE = part(
    "temperature", "temperatures[*]", "sensor",
    Gauge("mist_gateway_temperature_celsius", "celsius", "Temperature at the gateway's sensor."),
    StateSet("mist_gateway_temperature_status", "status", "Whether the temperature at the sensor is right.", PART_STATES),
)  # fmt: skip

NETWORK_RESOURCE = Entity(
    "gateway_network_resource",
    within=MODULE,
    at="network_resources[*]",
    key="type",
    labels={"resource": Label(of=lambda key, _: key.lower())},
    families=(
        Gauge("mist_gateway_network_resource_entries", "count", "Entries in use of a table of the router: fib, flow, access_policy.", reads=("type",)),
        Gauge("mist_gateway_network_resource_entries_limit", "limit", "Entries that the table of the router has room for."),
    ),
)  # fmt: skip

CLUSTER_INTERFACE = Entity(
    "gateway_cluster_interface",
    within=GATEWAY,
    at="cluster_config.ethernet_connection[*]",
    key="name",
    labels={"interface": BY_KEY},
    families=(
        StateSet("mist_gateway_cluster_interface_status", "status", "State of a redundant interface of the cluster.", LINK_STATES),
    ),
)  # fmt: skip

REDUNDANCY_GROUP = Entity(
    "gateway_redundancy_group",
    within=GATEWAY,
    at="cluster_config.redundancy_group_information[*]",
    key="Id",
    labels={"group": BY_KEY},
    families=(
        Gauge("mist_gateway_cluster_redundancy_group_threshold", "Threshold", "What is left before the redundancy group fails over; 0 means that it must."),
        StateSet("mist_gateway_cluster_redundancy_group_failure", "MonitoringFailure", "Which monitoring of the redundancy group failed.", ("none", "interface-monitoring", "ip-monitoring"), label="failure"),
    ),
)  # fmt: skip

AP_REDUNDANCY = Entity(
    "gateway_ap_redundancy",
    within=GATEWAY,
    at="ap_redundancy.modules.{module}",
    labels={"module": BY_KEY},
    families=(
        Gauge("mist_gateway_module_redundancy_aps", "num_aps", "Access points connected through the module."),
        Gauge("mist_gateway_module_redundancy_covered_aps", "num_aps_with_switch_redundancy", "Access points on the module whose neighbours on other switches could take over."),
    ),
)  # fmt: skip

_PACKAGES = ("package", "ash", "cia", "ember", "mist_agent", "testing_tools", "wheeljack")

SERVICE = Entity(
    "gateway_service",
    within=GATEWAY,
    at=both_nodes("service_stat.{service}", "service2_stat.{service}"),
    labels={"service": BY_KEY},
    families=(
        Info("mist_gateway_service_info", {name: f"{name}_version" for name in _PACKAGES} | {"ipsec": "ipsec_client_version"}, "Versions of the packages that a service of the gateway consists of."),
    ),
)  # fmt: skip

NESTED = (
    INTERFACE, DHCP_POOL, SPU, MODULE, FAN, POWER_SUPPLY, TEMPERATURE, NETWORK_RESOURCE, CLUSTER_INTERFACE,
    REDUNDANCY_GROUP, AP_REDUNDANCY, SERVICE,
    load_average(GATEWAY, *both_nodes("cpu_stat.load_avg[*]", "cpu2_stat.load_avg[*]")), expiring_certificates(GATEWAY),
)  # fmt: skip

_PLACE = "Where a geolocation service puts the provider's address: a constant, not a measurement; city and country are exported."
NOT_EXPORTED = {
    "_time": "Plumbing of the stream, hours behind on gateways; last_seen is exported.",
    "_ttl": "Plumbing of the stream: how long Mist keeps the message, not a measurement.",
    "service_status.appid_version": "A version number, which the field list takes for a time; appid_install_time tells how old the signatures are.",
    "if_stat.{key}.servp_info.latitude": _PLACE,
    "if_stat.{key}.servp_info.longitude": _PLACE,
    "if2_stat.{key}.servp_info.latitude": _PLACE,
    "if2_stat.{key}.servp_info.longitude": _PLACE,
    **{f"ports[*].{path}": reason for path, reason in gateway_ports.NOT_EXPORTED.items()},
}
