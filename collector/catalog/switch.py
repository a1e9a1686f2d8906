"""Tables of switches, standalone and virtual chassis.

A switch sends two kinds of frames. A cached frame arrives every 30 seconds and repeats an old snapshot of `if_stat`,
while all other fields are current. A fresh frame is less frequent, has the field `_time` and contains current counters.
Therefore interfaces are applied only from frames with `_time`.

These frames do not contain bytes, errors, PoE and spanning tree of the ports: see `switch_ports.py`.
"""

from __future__ import annotations

from collector.catalog import switch_ports
from collector.catalog.device_tables import ROOT_LABELS, firmware_update, load_average, measured
from collector.catalog.units import MEGABITS
from collector.metrics.model import BY_KEY, PERCENT, At, Counter, Entity, Flag, Gauge, Info, Label, StateSet, timestamp

PART_STATES = ("ok", "absent", "failed")
MAX_MEMBERS = 10  # of a virtual chassis
FRESH_TTL_S = 600.0  # fresh frames are infrequent; Mist retains their content for ten minutes


def port_of(key: str, port_id: str | None) -> str:
    """Return the port of a logical interface: `port_id` if reported, else the interface name without the unit."""
    return port_id or key.rpartition(".")[0] or key


def unit_of(key: str, _: str | None) -> str:
    """Return the unit in the name of a logical interface (`ge-0/0/11.0`), empty for a port without unit."""
    port, _, unit = key.rpartition(".")
    return unit if port else ""


def config_state(text: str) -> str:
    """Return the configuration status in lower case; Mist sends "committed" as COMMITED."""
    return text.lower().replace("commited", "committed")


SWITCH = Entity(
    "switch",
    labels=ROOT_LABELS,
    families=(
        *measured("switch", cpu="cpu_stat.usage", memory="memory_stat.usage"),
        firmware_update("switch"),
        Flag("mist_switch_firmware_out_of_sync", "fw_versions_outofsync", "Whether VC members run different firmware versions."),
        # configuration
        StateSet("mist_switch_config_status", "config_status", "Configuration status of the switch (1 for the current status).", ("committed", "synced"), fold=config_state),
        timestamp("mist_switch_config_status_timestamp_seconds", "config_timestamp", "Time of the last configuration status update of the switch, in seconds since the epoch."),
        timestamp("mist_switch_config_version_timestamp_seconds", "config_version", "Version of the configuration applied to the switch, which is its creation time in seconds since the epoch."),
        Flag("mist_switch_packet_capture_supported", "has_pcap", "Whether the switch supports packet capture."),
        # clients and APs; the field name depends on the firmware, the most recent name is preferred
        Gauge("mist_switch_clients", ("clients_stats.total.num_wired_clients", "num_clients.total.num_clients"), "Number of wired clients connected to the switch."),
        Gauge("mist_switch_aps", ("ap_redundancy.num_aps", "num_clients.total.num_aps"), "Number of APs connected to the switch."),
        Gauge("mist_switch_redundant_aps", "ap_redundancy.num_aps_with_switch_redundancy", "Number of APs connected to the switch that have switch redundancy coverage."),
        # tables
        Gauge("mist_switch_arp_entries", "arp_table_stats.arp_table_count", "Number of entries in the ARP table of the switch."),
        Gauge("mist_switch_arp_entries_limit", "arp_table_stats.max_entries_supported", "Maximum number of entries in the ARP table of the switch."),
        Gauge("mist_switch_mac_entries", "mac_table_stats.mac_table_count", "Number of entries in the MAC table of the switch."),
        Gauge("mist_switch_mac_entries_limit", "mac_table_stats.max_mac_entries_supported", "Maximum number of entries in the MAC table of the switch."),
        Gauge("mist_switch_routes", "route_summary_stats.total_routes", "Total number of routes reported by the switch."),
        Gauge("mist_switch_fib_routes", "route_summary_stats.fib_routes", "Number of routes in the forwarding information base (FIB) of the switch."),
        Gauge("mist_switch_rib_routes", "route_summary_stats.rib_routes", "Number of routes in the routing information base (RIB) of the switch."),
        Gauge("mist_switch_unicast_routes_limit", "route_summary_stats.max_unicast_routes_supported", "Maximum number of unicast routes supported by the switch."),
        # virtual chassis
        Flag("mist_switch_vc_setup_member_missing", "vc_setup_info.err_missing_dev_id_fpc", "Whether the virtual chassis (VC) setup fails because the device ID of a member (FPC) is missing."),
        timestamp("mist_switch_vc_setup_request_timestamp_seconds", "vc_setup_info.request_time", "Time of the last virtual chassis (VC) setup request, in seconds since the epoch."),
        timestamp("mist_switch_vc_setup_update_timestamp_seconds", "vc_setup_info.last_update", "Time of the last status update of the virtual chassis (VC) setup, in seconds since the epoch."),
        Info(
            "mist_switch_vc_setup_info",
            {"config": "vc_setup_info.config_type", "status": "vc_setup_info.current_stats", "request": "vc_setup_info.request_type"},
            "Information about the virtual chassis (VC) setup: configuration type, status and request type.",
        ),
        Info("mist_switch_info", {"vc_mac": "vc_mac", "trouble_code": "last_trouble.code"}, "Information about the switch: MAC address of its virtual chassis (VC) and last trouble code."),
    ),
)  # fmt: skip

INTERFACE = Entity(
    "switch_interface",
    within=SWITCH,
    at="if_stat.{interface}",
    requires="_time",
    ttl_s=FRESH_TTL_S,
    labels={"interface": BY_KEY, "unit": Label(of=unit_of), "port_id": Label("port_id", port_of)},
    families=(
        Flag("mist_switch_interface_up", "up", "Whether the logical interface of the switch is up."),
        Gauge("mist_switch_interface_speed_bytes_per_second", "speed", "Link speed of the port of the logical interface.", MEGABITS),
        Counter("mist_switch_interface_receive_packets_total", "rx_pkts", "Total number of packets received on the logical interface since the switch started."),
        Counter("mist_switch_interface_transmit_packets_total", "tx_pkts", "Total number of packets transmitted on the logical interface since the switch started."),
        Info(
            "mist_switch_interface_info",
            {
                "usage": "port_usage", "network": "network_name", "vlan": "vlan", "address_mode": "address_mode",
                "redundancy": "redundancy_state", "wan": "wan_name", "wan_type": "wan_type",
            },
            "Information about the logical interface of the switch: usage, network, VLAN, address mode, redundancy and WAN link.",
        ),
    ),
)  # fmt: skip

DHCP_POOL = Entity(
    "switch_dhcp_pool",
    within=SWITCH,
    at="dhcpd_stat.{network}",
    labels={"network": BY_KEY},
    families=(
        Gauge("mist_switch_dhcp_pool_addresses", "num_ips", "Number of IP addresses in the DHCP pool of the switch."),
        Gauge("mist_switch_dhcp_pool_leases", "num_leased", "Number of leased IP addresses in the DHCP pool of the switch."),
    ),
)  # fmt: skip

MODULE_CLIENTS = Entity(
    "switch_module_clients",
    within=SWITCH,
    # by member: the same map also contains the total
    at=tuple(At(f"num_clients.{member}", {"module": str(member)}) for member in range(MAX_MEMBERS)),
    families=(
        Gauge("mist_switch_module_clients", "num_clients", "Number of wired clients connected to the VC member."),
        Gauge("mist_switch_module_aps", "num_aps", "Number of APs connected to the VC member."),
    ),
)

MODULE_REDUNDANCY = Entity(
    "switch_module_redundancy",
    within=SWITCH,
    at="ap_redundancy.modules.{module}",
    labels={"module": BY_KEY},
    families=(
        # separate from mist_switch_module_aps: a switch may send both fields, and a series has one source
        Gauge("mist_switch_module_redundancy_aps", "num_aps", "Number of APs connected through the VC member that are considered for switch redundancy."),
        Gauge("mist_switch_module_redundant_aps", "num_aps_with_switch_redundancy", "Number of APs connected through the VC member that have switch redundancy coverage."),
    ),
)  # fmt: skip

SERVICE = Entity(
    "switch_service",
    within=SWITCH,
    at="service_stat.{service}",
    labels={"service": BY_KEY},
    families=(
        Info(
            "mist_switch_service_info",
            {
                "package": "package_version", "mist_agent": "mist_agent_version", "ash": "ash_version", "cia": "cia_version",
                "ember": "ember_version", "ipsec": "ipsec_client_version",
                "testing_tools": "testing_tools_version", "wheeljack": "wheeljack_version",
            },
            "Information about a Mist service on the switch: package versions.",
        ),
    ),
)  # fmt: skip

MODULE = Entity(
    "switch_module",
    within=SWITCH,
    at="module_stat[*]",
    key=("fpc_idx", "_idx"),  # depends on the firmware; without either, the member ID is the index in the list
    labels={"module": BY_KEY},
    families=(
        Gauge("mist_switch_module_uptime_seconds", "uptime", "Time since the VC member started."),
        timestamp("mist_switch_module_last_seen_timestamp_seconds", "last_seen", "Time when the VC member was last seen, in seconds since the epoch."),
        Flag("mist_switch_module_locating", "locating", "Whether the locator LED of the VC member is active."),
        Gauge("mist_switch_module_cpu_utilization_ratio", "cpu_stat.usage", "CPU utilization of the VC member.", PERCENT),
        *(
            Gauge("mist_switch_module_cpu_mode_ratio", f"cpu_stat.{mode}", "Fraction of CPU time the VC member spent in each mode.", PERCENT, {"mode": mode})
            for mode in ("user", "system", "interrupt", "idle")
        ),
        Gauge("mist_switch_module_memory_utilization_ratio", "memory_stat.usage", "Memory utilization of the VC member.", PERCENT),
        Gauge("mist_switch_module_poe_power_draw_watts", "poe.power_draw", "PoE power drawn from the VC member."),
        Gauge("mist_switch_module_poe_power_limit_watts", "poe.max_power", "PoE power budget of the VC member."),
        StateSet("mist_switch_module_status", "status", "Connection status of the VC member (1 for the current status).", ("connected", "disconnected")),
        StateSet("mist_switch_module_vc_role", "vc_role", "Virtual chassis (VC) role of the VC member (1 for the current role).", ("master", "backup", "linecard"), label="role"),
        StateSet("mist_switch_module_vc_state", "vc_state", "Virtual chassis (VC) state of the VC member (1 for the current state).", ("present", "active", "inactive")),
        Info(
            "mist_switch_module_info",
            {
                "module_mac": "mac", "model": "model", "serial": "serial", "version": "version", "type": "type",
                "vc_mode": "vc_mode", "poe_status": "poe.status",
            },
            "Information about the VC member: MAC address, model, serial number, version, type, VC mode and PoE status.",
        ),
        Info(
            "mist_switch_module_firmware_info",
            {
                "backup": "backup_version", "pending": "pending_version", "recovery": "recovery_version",
                "boot_partition": "boot_partition", "bios": "bios_version", "uboot": "uboot_version",
                "cpld": "cpld_version", "optics_cpld": "optics_cpld_version", "power_cpld": "power_cpld_version",
                "fpga": "fpga_version", "re_fpga": "re_fpga_version", "tmc_fpga": "tmc_fpga_version", "poe": "poe_version",
            },
            "Information about the firmware of the VC member: versions of each component.",
        ),
    ),
)  # fmt: skip

_LOAD = load_average(SWITCH)

MODULE_LOAD = Entity(
    "switch_module_load",
    within=MODULE,
    at="cpu_stat.load_avg[*]",
    labels=_LOAD.labels,
    families=(Gauge("mist_switch_module_load_average", "", "Load average of the VC member over 1, 5 and 15 minutes."),),
)

FAN = Entity(
    "switch_fan",
    within=MODULE,
    at="fans[*]",
    key="name",
    labels={"fan": BY_KEY},
    families=(
        Gauge("mist_switch_fan_speed_rpm", "rpm", "Speed of the fan of the switch in revolutions per minute."),
        StateSet(
            "mist_switch_fan_status",
            "status",
            "Status of the fan of the switch (1 for the current status).",
            PART_STATES,
        ),
        Info(
            "mist_switch_fan_info",
            {"airflow": "airflow"},
            "Information about the fan of the switch: airflow direction.",
        ),
    ),
)

POWER_SUPPLY = Entity(
    "switch_power_supply",
    within=MODULE,
    at="psus[*]",
    key="name",
    labels={"power_supply": BY_KEY},
    families=(
        StateSet(
            "mist_switch_power_supply_status",
            "status",
            "Status of the power supply (PSU) of the switch (1 for the current status).",
            PART_STATES,
        ),
    ),
)

TEMPERATURE = Entity(
    "switch_temperature",
    within=MODULE,
    at="temperatures[*]",
    key="name",
    labels={"sensor": BY_KEY},
    families=(
        Gauge("mist_switch_temperature_celsius", "celsius", "Temperature measured by the sensor of the switch."),
        StateSet(
            "mist_switch_temperature_status",
            "status",
            "Status of the temperature sensor of the switch (1 for the current status).",
            PART_STATES,
        ),
    ),
)

VC_LINK = Entity(
    "switch_vc_link",
    within=MODULE,
    at="vc_links[*]",
    key="port_id",
    labels={"link": BY_KEY},
    families=(
        StateSet("mist_switch_vc_link_status", "status", "Status of the link between VC members (1 for the current status); recent firmware does not report it.", ("up", "down")),
        Info(
            "mist_switch_vc_link_info",
            {"neighbor_module": ("neighbor_module_idx", "neighbor_idx"), "neighbor_port": "neighbor_port_id"},
            "Information about the VC link: neighbor member and neighbor port.",
        ),
    ),
)  # fmt: skip

MODULE_ERROR = Entity(
    "switch_module_error",
    within=MODULE,
    at="errors[*]",
    key="type",
    labels={"type": BY_KEY},
    families=(
        timestamp("mist_switch_module_error_begin_timestamp_seconds", "since", "Time when the error reported by the VC member began, by type, in seconds since the epoch."),
        Info("mist_switch_module_error_info", {"feature": "feature", "minimum_version": "minimum_version"}, "Information about the error reported by the VC member: feature and minimum version.", reads=("type",)),
    ),
)  # fmt: skip

PIC = Entity(
    "switch_pic",
    within=MODULE,
    at="pics[*]",
    key=("index", "idx"),
    labels={"pic": BY_KEY},
    families=(
        Info(
            "mist_switch_pic_info",
            {"model": "model_number"},
            "Information about the PIC (interface card) of the VC member: model.",
        ),
    ),
)

PORT_GROUP = Entity(
    "switch_port_group",
    within=PIC,
    at="port_groups[*]",
    key="type",
    labels={"type": BY_KEY},
    families=(
        Gauge(
            "mist_switch_pic_ports",
            "count",
            "Number of ports of the PIC (interface card), by port type.",
            reads=("type",),
        ),
    ),
)

NESTED = (
    INTERFACE, DHCP_POOL, MODULE_CLIENTS, MODULE_REDUNDANCY, SERVICE, _LOAD,
    MODULE, MODULE_LOAD, FAN, POWER_SUPPLY, TEMPERATURE, VC_LINK, MODULE_ERROR, PIC, PORT_GROUP,
)  # fmt: skip

NOT_EXPORTED = {
    "_time": "Transport metadata of the stream, up to hours behind last_seen; its presence marks frames with current interface counters.",
    "_ttl": "Transport metadata of the stream (retention of the message), not a measurement.",
    "clients_stats.total.num_aps[*]": "List with undocumented element order; num_clients and ap_redundancy contain the APs of each member.",
    "if_stat.{key}.rx_bytes": "Always 0 on live switches, even with packets; mist_switch_port_receive_bytes_total contains the bytes.",
    "if_stat.{key}.tx_bytes": "Always 0 on live switches, even with packets; mist_switch_port_transmit_bytes_total contains the bytes.",
    "if_stat.{key}.servp_info.latitude": "Geolocation of the service provider of a WAN link; empty on switches.",
    "if_stat.{key}.servp_info.longitude": "Geolocation of the service provider of a WAN link; empty on switches.",
    **{f"ports[*].{field}": reason for field, reason in switch_ports.NOT_EXPORTED.items()},
}
