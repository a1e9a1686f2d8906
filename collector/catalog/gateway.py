"""Tables of gateways: a standalone SRX, an SRX cluster, or a node of an SSR router.

An SRX cluster sends one message for both nodes. The measurements of the second node have separate keys (`if2_stat`
for `if_stat`), and the label `node` distinguishes the nodes. Each node of an SSR router is a separate device with its own
MAC address and messages: its `node` is always node0, and `mist_gateway_info` has its name in the label `node_name`.

Ports, WAN tunnels, VPN peers and BGP peers inside the message have tables of their own (`gateway_ports.py`, `wan.py`).
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
PART_STATES = ("ok", "failed", "absent")  # of fans, PSUs and sensors
HEALTH = ("healthy", "not healthy")
HA_MODES = ("active-active", "active-passive", "active-backup")


def both_nodes(first: str, second: str) -> tuple[At, At]:
    """Return the places of an entity on the first and on the second node of a cluster."""
    return At(first, {"node": "node0"}), At(second, {"node": "node1"})


def config_status(text: str) -> str:
    """Return the configuration status in lower case; Mist sends "committed" as COMMITED."""
    state = text.lower()
    return "committed" if state == "commited" else state


GATEWAY = Entity(
    "gateway",
    labels=ROOT_LABELS,
    families=(
        *measured("gateway", cpu="cpu_stat.usage", memory="memory_stat.usage", node="node0"),
        *engine("gateway", cpu="cpu2_stat.usage", memory="memory2_stat.usage", shares="cpu2_stat", node="node1"),
        # tables
        Gauge("mist_gateway_arp_entries", "arp_table_stats.arp_table_count", "Number of entries in the ARP table of the gateway."),
        Gauge("mist_gateway_arp_entries_limit", "arp_table_stats.max_entries_supported", "Maximum number of entries in the ARP table of the gateway."),
        Gauge("mist_gateway_mac_entries", "mac_table_stats.mac_table_count", "Number of entries in the MAC table of the gateway."),
        Gauge("mist_gateway_mac_entries_limit", "mac_table_stats.max_mac_entries_supported", "Maximum number of entries in the MAC table of the gateway."),
        Gauge("mist_gateway_routes", "route_summary_stats.total_routes", "Total number of routes reported by the gateway."),
        Gauge("mist_gateway_rib_routes", "route_summary_stats.rib_routes", "Number of routes in the routing information base (RIB) of the gateway."),
        Gauge("mist_gateway_fib_routes", "route_summary_stats.fib_routes", "Number of routes in the forwarding information base (FIB) of the gateway."),
        Gauge("mist_gateway_unicast_routes_limit", "route_summary_stats.max_unicast_routes_supported", "Maximum number of unicast routes supported by the gateway."),
        # APs behind the gateway
        Gauge("mist_gateway_redundancy_aps", "ap_redundancy.num_aps", "Number of APs behind the gateway that are considered for switch redundancy."),
        Gauge("mist_gateway_redundancy_covered_aps", "ap_redundancy.num_aps_with_switch_redundancy", "Number of APs behind the gateway that have switch redundancy coverage."),
        # high availability
        Flag("mist_gateway_ha_enabled", "is_ha", "Whether the gateway is part of a high-availability pair."),
        StateSet("mist_gateway_ha_state", "ha_state", "High-availability state of this router node (1 for the current state).", ("active", "standby", "running")),
        StateSet("mist_gateway_cluster_state", "cluster_stat.state", "State of the gateway cluster reported by Mist (1 for the current state).", ("online", "offline")),
        StateSet("mist_gateway_cluster_status", "cluster_config.status", "Health status of the gateway cluster: green, yellow or red (1 for the current status).", ("green", "yellow", "red")),
        StateSet("mist_gateway_cluster_configured_mode", "cluster_config.configuration", "Configured high-availability mode of the gateway cluster (1 for the configured mode).", HA_MODES, label="mode"),
        StateSet("mist_gateway_cluster_operational_mode", "cluster_config.operational", "Operational high-availability mode of the gateway cluster (1 for the current mode).", HA_MODES, label="mode"),
        StateSet("mist_gateway_cluster_primary_health", "cluster_config.primary_node_health", "Health of the primary node of the gateway cluster (1 for the current state).", HEALTH),
        StateSet("mist_gateway_cluster_secondary_health", "cluster_config.secondary_node_health", "Health of the secondary node of the gateway cluster (1 for the current state).", HEALTH),
        StateSet("mist_gateway_cluster_control_link_status", "cluster_config.control_link_info.status", "Status of the control link of the gateway cluster (1 for the current status).", LINK_STATES),
        StateSet("mist_gateway_cluster_fabric_link_status", "cluster_config.fabric_link_info.InternalStatus", "Internal status of the fabric link of the gateway cluster (1 for the current status).", LINK_STATES),
        StateSet("mist_gateway_cluster_fabric_data_plane_status", "cluster_config.fabric_link_info.DataPlaneNotifiedStatus", "Status of the fabric link of the gateway cluster as notified to the data plane (1 for the current status).", LINK_STATES),
        Info(
            "mist_gateway_cluster_info",
            {
                "control_link": "cluster_config.control_link_info.name",
                "fabric_link_state": "cluster_config.fabric_link_info.State",
                "fabric_link_status": "cluster_config.fabric_link_info.Status",
                "last_change_reason": "cluster_config.last_status_change_reason",
            },
            "Information about the gateway cluster: control link, fabric link, and reason of the last status change.",
        ),
        # configuration and services
        StateSet("mist_gateway_config_status", "config_status", "Configuration status of the gateway (1 for the current status).", ("committed", "synced"), fold=config_status),
        timestamp("mist_gateway_config_status_timestamp_seconds", "config_timestamp", "Time of the last configuration status update of the gateway, in seconds since the epoch."),
        timestamp("mist_gateway_config_version_timestamp_seconds", "config_version", "Version of the configuration applied to the gateway, which is its creation time in seconds since the epoch."),
        Flag("mist_gateway_packet_capture_supported", "has_pcap", "Whether packet capture is available for the gateway."),
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
            "Information about the security services of the gateway: application identification, IDP and enhanced web filtering.",
        ),
        Info(
            "mist_gateway_info",
            {
                "node_name": "node_name", "router_name": "router_name", "conductor": "conductor_name",
                "device_profile": "deviceprofile_name", "trouble_code": "last_trouble.code",
            },
            "Information about the gateway: node, router and conductor names, device profile and last trouble code.",
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
        Flag("mist_gateway_interface_up", "up", "Whether the logical interface of the gateway is up."),
        Counter("mist_gateway_interface_receive_bytes_total", "rx_bytes", "Total number of bytes received on the logical interface since the gateway started."),
        Counter("mist_gateway_interface_transmit_bytes_total", "tx_bytes", "Total number of bytes transmitted on the logical interface since the gateway started."),
        Counter("mist_gateway_interface_receive_packets_total", "rx_pkts", "Total number of packets received on the logical interface since the gateway started."),
        Counter("mist_gateway_interface_transmit_packets_total", "tx_pkts", "Total number of packets transmitted on the logical interface since the gateway started."),
        Info(
            "mist_gateway_interface_info",
            {
                "port_id": "port_id", "usage": "port_usage", "network": "network_name", "vlan": "vlan", "wan": "wan_name",
                "wan_type": "wan_type", "address_mode": "address_mode", "redundancy_state": "redundancy_state",
            },
            "Information about the logical interface of the gateway: port, usage, network, VLAN, WAN link and redundancy state.",
        ),
        Info(
            "mist_gateway_interface_provider_info",
            {
                "provider": "servp_info.org", "asn": "servp_info.asn", "city": "servp_info.city",
                "region": "servp_info.region_code", "country": "servp_info.country_code",
            },
            "Information about the service provider of the WAN link, derived from its public IP address.",
        ),
    ),
)  # fmt: skip

DHCP_POOL = Entity(
    "gateway_dhcp_pool",
    within=GATEWAY,
    at=both_nodes("dhcpd_stat.{network}", "dhcpd2_stat.{network}"),
    labels={"network": BY_KEY},
    families=(
        Gauge("mist_gateway_dhcp_pool_addresses", "num_ips", "Number of IP addresses in the DHCP pool of the gateway."),
        Gauge(
            "mist_gateway_dhcp_pool_leases",
            "num_leased",
            "Number of leased IP addresses in the DHCP pool of the gateway.",
        ),
    ),
)


def sessions(which: str) -> tuple[str, str]:
    """Return the paths of a session count of an SPU: at the top level, or nested in `sessions`."""
    return f"spu_{which}_session", f"sessions.spu_{which}_session"


SPU = Entity(
    "gateway_spu",
    within=GATEWAY,
    at=both_nodes("spu_stat[*]", "spu2_stat[*]"),
    labels={"spu": BY_KEY},
    families=(
        Gauge("mist_gateway_spu_cpu_utilization_ratio", "spu_cpu", "CPU utilization of the services processing unit (SPU).", PERCENT),
        Gauge("mist_gateway_spu_memory_utilization_ratio", "spu_memory", "Memory utilization of the services processing unit (SPU).", PERCENT),
        Gauge("mist_gateway_spu_uptime_seconds", "spu_uptime", "Time since the services processing unit (SPU) started."),
        Gauge("mist_gateway_spu_sessions", sessions("current"), "Number of current sessions on the services processing unit (SPU)."),
        Gauge("mist_gateway_spu_sessions_limit", sessions("max"), "Maximum number of sessions on the services processing unit (SPU)."),
        Gauge("mist_gateway_spu_pending_sessions", sessions("pending"), "Number of pending sessions on the services processing unit (SPU)."),
        Gauge("mist_gateway_spu_valid_sessions", sessions("valid"), "Number of valid sessions on the services processing unit (SPU)."),
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
        Gauge("mist_gateway_module_uptime_seconds", "uptime", "Time since the gateway module started."),
        timestamp("mist_gateway_module_last_seen_timestamp_seconds", "last_seen", "Time when the gateway module was last seen, in seconds since the epoch."),
        Flag("mist_gateway_module_locating", "locating", "Whether the locator LED of the gateway module is active."),
        Gauge("mist_gateway_module_memory_utilization_ratio", "memory_stat.usage", "Memory utilization of the gateway module.", PERCENT),
        Gauge("mist_gateway_module_poe_power_limit_watts", "poe.max_power", "PoE power budget of the gateway module."),
        Gauge("mist_gateway_module_poe_power_draw_watts", "poe.power_draw", "PoE power drawn from the gateway module."),
        StateSet("mist_gateway_module_poe_status", "poe.status", "PoE status of the gateway module (1 for the current status).", ("on", "off")),
        StateSet("mist_gateway_module_status", "status", "Connection status of the gateway module (1 for the current status).", ("connected", "disconnected")),
        StateSet("mist_gateway_module_vc_role", "vc_role", "Virtual chassis (VC) role of the gateway module (1 for the current role).", ("master", "primary", "backup", "secondary", "linecard"), label="role"),
        StateSet("mist_gateway_module_vc_state", "vc_state", "Virtual chassis (VC) state of the gateway module (1 for the current state).", ("active", "inactive", "present")),
        Info("mist_gateway_module_info", {"module_mac": "mac", "serial": "serial", "model": "model", "version": "version", "vc_mode": "vc_mode"}, "Information about the gateway module: MAC address, serial number, model, version and VC mode."),
        Info("mist_gateway_module_firmware_info", _FIRMWARE, "Information about the firmware of the gateway module: versions of each component."),
    ),
)  # fmt: skip


def part(name: str, at: str, label: str, *families: AnyFamily) -> Entity:
    """Return the entity of a kind of replaceable component (fan, PSU, sensor) of a module, one row per name."""
    return Entity(f"gateway_{name}", within=MODULE, at=at, key="name", labels={label: BY_KEY}, families=families)


FAN = part(
    "fan", "fans[*]", "fan",
    Gauge("mist_gateway_fan_speed_rpm", "rpm", "Speed of the fan of the gateway in revolutions per minute."),
    StateSet("mist_gateway_fan_status", "status", "Status of the fan of the gateway (1 for the current status).", PART_STATES),
    Info("mist_gateway_fan_info", {"airflow": "airflow"}, "Information about the fan of the gateway: airflow direction."),
)  # fmt: skip
POWER_SUPPLY = part(
    "power_supply", "psus[*]", "power_supply",
    StateSet("mist_gateway_power_supply_status", "status", "Status of the power supply (PSU) of the gateway (1 for the current status).", PART_STATES),
)  # fmt: skip
TEMPERATURE = part(
    "temperature", "temperatures[*]", "sensor",
    Gauge("mist_gateway_temperature_celsius", "celsius", "Temperature measured by the sensor of the gateway."),
    StateSet("mist_gateway_temperature_status", "status", "Status of the temperature sensor of the gateway (1 for the current status).", PART_STATES),
)  # fmt: skip

NETWORK_RESOURCE = Entity(
    "gateway_network_resource",
    within=MODULE,
    at="network_resources[*]",
    key="type",
    labels={"resource": Label(of=lambda key, _: key.lower())},
    families=(
        Gauge("mist_gateway_network_resource_entries", "count", "Number of entries in use of the network resource of the gateway: FIB, flow or access policy.", reads=("type",)),
        Gauge("mist_gateway_network_resource_entries_limit", "limit", "Maximum number of entries of the network resource of the gateway."),
    ),
)  # fmt: skip

CLUSTER_INTERFACE = Entity(
    "gateway_cluster_interface",
    within=GATEWAY,
    at="cluster_config.ethernet_connection[*]",
    key="name",
    labels={"interface": BY_KEY},
    families=(
        StateSet("mist_gateway_cluster_interface_status", "status", "Status of a redundant Ethernet interface of the gateway cluster (1 for the current status).", LINK_STATES),
    ),
)  # fmt: skip

REDUNDANCY_GROUP = Entity(
    "gateway_redundancy_group",
    within=GATEWAY,
    at="cluster_config.redundancy_group_information[*]",
    key="Id",
    labels={"group": BY_KEY},
    families=(
        Gauge("mist_gateway_cluster_redundancy_group_threshold", "Threshold", "Remaining monitoring threshold of the redundancy group, which fails over at 0."),
        StateSet("mist_gateway_cluster_redundancy_group_failure", "MonitoringFailure", "Monitoring failure of the redundancy group (1 for the current failure, or none).", ("none", "interface-monitoring", "ip-monitoring"), label="failure"),
    ),
)  # fmt: skip

AP_REDUNDANCY = Entity(
    "gateway_ap_redundancy",
    within=GATEWAY,
    at="ap_redundancy.modules.{module}",
    labels={"module": BY_KEY},
    families=(
        Gauge("mist_gateway_module_redundancy_aps", "num_aps", "Number of APs connected through the gateway module."),
        Gauge("mist_gateway_module_redundancy_covered_aps", "num_aps_with_switch_redundancy", "Number of APs connected through the gateway module that have switch redundancy coverage."),
    ),
)  # fmt: skip

_PACKAGES = ("package", "ash", "cia", "ember", "mist_agent", "testing_tools", "wheeljack")

SERVICE = Entity(
    "gateway_service",
    within=GATEWAY,
    at=both_nodes("service_stat.{service}", "service2_stat.{service}"),
    labels={"service": BY_KEY},
    families=(
        Info("mist_gateway_service_info", {name: f"{name}_version" for name in _PACKAGES} | {"ipsec": "ipsec_client_version"}, "Information about a service of the gateway: package versions."),
    ),
)  # fmt: skip

NESTED = (
    INTERFACE, DHCP_POOL, SPU, MODULE, FAN, POWER_SUPPLY, TEMPERATURE, NETWORK_RESOURCE, CLUSTER_INTERFACE,
    REDUNDANCY_GROUP, AP_REDUNDANCY, SERVICE,
    load_average(GATEWAY, *both_nodes("cpu_stat.load_avg[*]", "cpu2_stat.load_avg[*]")), expiring_certificates(GATEWAY),
)  # fmt: skip

_PLACE = "Geolocation of the public IP address of the provider, a constant; city and country are exported."
NOT_EXPORTED = {
    "_time": "Transport metadata of the stream, up to hours behind on gateways; last_seen is exported.",
    "_ttl": "Transport metadata of the stream (retention of the message), not a measurement.",
    "service_status.appid_version": "Version number, not a time; the label appid_install_time contains the installation time of the signatures.",
    "if_stat.{key}.servp_info.latitude": _PLACE,
    "if_stat.{key}.servp_info.longitude": _PLACE,
    "if2_stat.{key}.servp_info.latitude": _PLACE,
    "if2_stat.{key}.servp_info.longitude": _PLACE,
    **{f"ports[*].{path}": reason for path, reason in gateway_ports.NOT_EXPORTED.items()},
}
