"""Switches, standalone and virtual chassis (wire facts 4.1 and 7.8 of the Mist reference).

Two kinds of frames come from a switch. A cached one, every half minute, repeats an old snapshot of `if_stat` while all
else moves; a fresh one, now and then, has `_time` and true counters. So interfaces are believed only beside `_time`.

Bytes, errors, PoE and spanning tree of the ports are not in these frames: see `switch_ports.py`.
"""

from __future__ import annotations

from collector.catalog import switch_ports
from collector.catalog.device_tables import ROOT_LABELS, firmware_update, load_average, measured
from collector.catalog.units import MEGABITS
from collector.metrics.model import BY_KEY, PERCENT, At, Counter, Entity, Flag, Gauge, Info, Label, StateSet, timestamp

PART_STATES = ("ok", "absent", "failed")
MAX_MEMBERS = 10  # of a virtual chassis
FRESH_TTL_S = 600.0  # fresh frames are rarer than others; Mist keeps what they said for ten minutes


def port_of(key: str, port_id: str | None) -> str:
    """The port under a logical interface: as the switch says, else what stands before the unit."""
    return port_id or key.rpartition(".")[0] or key


def unit_of(key: str, _: str | None) -> str:
    """The unit in the name of a logical interface (`ge-0/0/11.0`); empty for the port itself."""
    port, _, unit = key.rpartition(".")
    return unit if port else ""


def config_state(text: str) -> str:
    """Mist's spelling of "committed" has one t."""
    return text.lower().replace("commited", "committed")


SWITCH = Entity(
    "switch",
    labels=ROOT_LABELS,
    families=(
        *measured("switch", cpu="cpu_stat.usage", memory="memory_stat.usage"),
        firmware_update("switch"),
        Flag("mist_switch_firmware_out_of_sync", "fw_versions_outofsync", "Whether members of the chassis run different firmware."),
        # configuration
        StateSet("mist_switch_config_status", "config_status", "What became of the latest configuration.", ("committed", "synced"), fold=config_state),
        timestamp("mist_switch_config_status_timestamp_seconds", "config_timestamp", "When the state of the configuration last changed."),
        timestamp("mist_switch_config_version_timestamp_seconds", "config_version", "Version of the configuration in force, which is the time it was made."),
        Flag("mist_switch_packet_capture_supported", "has_pcap", "Whether the switch can capture packets."),
        # who is connected; of several generations of this number, the newest that is sent
        Gauge("mist_switch_clients", ("clients_stats.total.num_wired_clients", "num_clients.total.num_clients"), "Wired clients connected."),
        Gauge("mist_switch_aps", ("ap_redundancy.num_aps", "num_clients.total.num_aps"), "Access points connected."),
        Gauge("mist_switch_redundant_aps", "ap_redundancy.num_aps_with_switch_redundancy", "Access points whose neighbours on other switches could take over."),
        # tables
        Gauge("mist_switch_arp_entries", "arp_table_stats.arp_table_count", "Entries in the ARP table."),
        Gauge("mist_switch_arp_entries_limit", "arp_table_stats.max_entries_supported", "Entries that fit into the ARP table."),
        Gauge("mist_switch_mac_entries", "mac_table_stats.mac_table_count", "Addresses in the MAC table."),
        Gauge("mist_switch_mac_entries_limit", "mac_table_stats.max_mac_entries_supported", "Addresses that fit into the MAC table."),
        Gauge("mist_switch_routes", "route_summary_stats.total_routes", "Routes in all, as the switch counts them."),
        Gauge("mist_switch_fib_routes", "route_summary_stats.fib_routes", "Routes in the forwarding table."),
        Gauge("mist_switch_rib_routes", "route_summary_stats.rib_routes", "Routes in the routing table."),
        Gauge("mist_switch_unicast_routes_limit", "route_summary_stats.max_unicast_routes_supported", "Unicast routes that the switch can hold."),
        # virtual chassis
        Flag("mist_switch_vc_setup_member_missing", "vc_setup_info.err_missing_dev_id_fpc", "Whether setting up the virtual chassis fails because a member does not say which device it is."),
        timestamp("mist_switch_vc_setup_request_timestamp_seconds", "vc_setup_info.request_time", "When setting up the virtual chassis was last asked for."),
        timestamp("mist_switch_vc_setup_update_timestamp_seconds", "vc_setup_info.last_update", "When the state of the virtual chassis setup last changed."),
        Info(
            "mist_switch_vc_setup_info",
            {"config": "vc_setup_info.config_type", "status": "vc_setup_info.current_stats", "request": "vc_setup_info.request_type"},
            "How the virtual chassis is set up.",
        ),
        Info("mist_switch_info", {"vc_mac": "vc_mac", "trouble_code": "last_trouble.code"}, "Chassis that the switch belongs to, and the code of its last trouble."),
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
        Flag("mist_switch_interface_up", "up", "Whether the logical interface is up."),
        Gauge("mist_switch_interface_speed_bytes_per_second", "speed", "Speed of the link under the interface.", MEGABITS),
        Counter("mist_switch_interface_receive_packets_total", "rx_pkts", "Packets received by the logical interface since the switch started."),
        Counter("mist_switch_interface_transmit_packets_total", "tx_pkts", "Packets sent by the logical interface since the switch started."),
        Info(
            "mist_switch_interface_info",
            {
                "usage": "port_usage", "network": "network_name", "vlan": "vlan", "address_mode": "address_mode",
                "redundancy": "redundancy_state", "wan": "wan_name", "wan_type": "wan_type",
            },
            "What the logical interface is used for.",
        ),
    ),
)  # fmt: skip

DHCP_POOL = Entity(
    "switch_dhcp_pool",
    within=SWITCH,
    at="dhcpd_stat.{network}",
    labels={"network": BY_KEY},
    families=(
        Gauge("mist_switch_dhcp_pool_addresses", "num_ips", "Addresses that the switch's DHCP server can lease in this network."),
        Gauge("mist_switch_dhcp_pool_leases", "num_leased", "Addresses leased at present."),
    ),
)  # fmt: skip

MODULE_CLIENTS = Entity(
    "switch_module_clients",
    within=SWITCH,
    # one by one, because the same map has the total of all
    at=tuple(At(f"num_clients.{member}", {"module": str(member)}) for member in range(MAX_MEMBERS)),
    families=(
        Gauge("mist_switch_module_clients", "num_clients", "Wired clients connected to this member."),
        Gauge("mist_switch_module_aps", "num_aps", "Access points connected to this member."),
    ),
)

MODULE_REDUNDANCY = Entity(
    "switch_module_redundancy",
    within=SWITCH,
    at="ap_redundancy.modules.{module}",
    labels={"module": BY_KEY},
    families=(
        # beside mist_switch_module_aps, not instead of it: a switch may send both, and a series has one source
        Gauge("mist_switch_module_redundancy_aps", "num_aps", "Access points on this member looked at for switch redundancy."),
        Gauge("mist_switch_module_redundant_aps", "num_aps_with_switch_redundancy", "Access points on this member whose neighbours on other switches could take over."),
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
            "Versions of Mist's software on the switch.",
        ),
    ),
)  # fmt: skip

MODULE = Entity(
    "switch_module",
    within=SWITCH,
    at="module_stat[*]",
    key=("fpc_idx", "_idx"),  # of two generations; the others number members by their place in the list
    labels={"module": BY_KEY},
    families=(
        Gauge("mist_switch_module_uptime_seconds", "uptime", "Time since this member started."),
        timestamp("mist_switch_module_last_seen_timestamp_seconds", "last_seen", "When this member was last seen."),
        Flag("mist_switch_module_locating", "locating", "Whether this member blinks so that it can be found."),
        Gauge("mist_switch_module_cpu_utilization_ratio", "cpu_stat.usage", "Share of processor time in use on this member.", PERCENT),
        *(
            Gauge("mist_switch_module_cpu_mode_ratio", f"cpu_stat.{mode}", "Share of processor time that this member spends in each mode.", PERCENT, {"mode": mode})
            for mode in ("user", "system", "interrupt", "idle")
        ),
        Gauge("mist_switch_module_memory_utilization_ratio", "memory_stat.usage", "Share of memory in use on this member.", PERCENT),
        Gauge("mist_switch_module_poe_power_draw_watts", "poe.power_draw", "Power that this member gives to its PoE ports."),
        Gauge("mist_switch_module_poe_power_limit_watts", "poe.max_power", "Power that this member can give to its PoE ports."),
        StateSet("mist_switch_module_status", "status", "Whether this member is connected.", ("connected", "disconnected")),
        StateSet("mist_switch_module_vc_role", "vc_role", "Role of this member in the virtual chassis.", ("master", "backup", "linecard"), label="role"),
        StateSet("mist_switch_module_vc_state", "vc_state", "State of this member in the virtual chassis.", ("present", "active", "inactive")),
        Info(
            "mist_switch_module_info",
            {
                "module_mac": "mac", "model": "model", "serial": "serial", "version": "version", "type": "type",
                "vc_mode": "vc_mode", "poe_status": "poe.status",
            },
            "Model, serial number and firmware of this member.",
        ),
        Info(
            "mist_switch_module_firmware_info",
            {
                "backup": "backup_version", "pending": "pending_version", "recovery": "recovery_version",
                "boot_partition": "boot_partition", "bios": "bios_version", "uboot": "uboot_version",
                "cpld": "cpld_version", "optics_cpld": "optics_cpld_version", "power_cpld": "power_cpld_version",
                "fpga": "fpga_version", "re_fpga": "re_fpga_version", "tmc_fpga": "tmc_fpga_version", "poe": "poe_version",
            },
            "Versions of everything on this member that has one.",
        ),
    ),
)  # fmt: skip

_LOAD = load_average(SWITCH)

MODULE_LOAD = Entity(
    "switch_module_load",
    within=MODULE,
    at="cpu_stat.load_avg[*]",
    labels=_LOAD.labels,
    families=(Gauge("mist_switch_module_load_average", "", "Load average of this member over 1, 5 and 15 minutes."),),
)

FAN = Entity(
    "switch_fan",
    within=MODULE,
    at="fans[*]",
    key="name",
    labels={"fan": BY_KEY},
    families=(
        Gauge("mist_switch_fan_speed_rpm", "rpm", "Speed of the fan in revolutions a minute."),
        StateSet("mist_switch_fan_status", "status", "State of the fan.", PART_STATES),
        Info("mist_switch_fan_info", {"airflow": "airflow"}, "Direction in which the fan blows."),
    ),
)

POWER_SUPPLY = Entity(
    "switch_power_supply",
    within=MODULE,
    at="psus[*]",
    key="name",
    labels={"power_supply": BY_KEY},
    families=(StateSet("mist_switch_power_supply_status", "status", "State of the power supply.", PART_STATES),),
)

TEMPERATURE = Entity(
    "switch_temperature",
    within=MODULE,
    at="temperatures[*]",
    key="name",
    labels={"sensor": BY_KEY},
    families=(
        Gauge("mist_switch_temperature_celsius", "celsius", "Temperature at the sensor."),
        StateSet("mist_switch_temperature_status", "status", "What the switch thinks of the temperature.", PART_STATES),
    ),
)

VC_LINK = Entity(
    "switch_vc_link",
    within=MODULE,
    at="vc_links[*]",
    key="port_id",
    labels={"link": BY_KEY},
    families=(
        StateSet("mist_switch_vc_link_status", "status", "State of a link between members; newer switches list links without it.", ("up", "down")),
        Info(
            "mist_switch_vc_link_info",
            {"neighbor_module": ("neighbor_module_idx", "neighbor_idx"), "neighbor_port": "neighbor_port_id"},
            "The member at the other end of the link.",
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
        timestamp("mist_switch_module_error_begin_timestamp_seconds", "since", "When an error that this member reports began, by type."),
        Info("mist_switch_module_error_info", {"feature": "feature", "minimum_version": "minimum_version"}, "What an error of this member concerns.", reads=("type",)),
    ),
)  # fmt: skip

PIC = Entity(
    "switch_pic",
    within=MODULE,
    at="pics[*]",
    key=("index", "idx"),
    labels={"pic": BY_KEY},
    families=(Info("mist_switch_pic_info", {"model": "model_number"}, "Model of the interface card."),),
)

PORT_GROUP = Entity(
    "switch_port_group",
    within=PIC,
    at="port_groups[*]",
    key="type",
    labels={"type": BY_KEY},
    families=(Gauge("mist_switch_pic_ports", "count", "Ports of the interface card, by type.", reads=("type",)),),
)

NESTED = (
    INTERFACE, DHCP_POOL, MODULE_CLIENTS, MODULE_REDUNDANCY, SERVICE, _LOAD,
    MODULE, MODULE_LOAD, FAN, POWER_SUPPLY, TEMPERATURE, VC_LINK, MODULE_ERROR, PIC, PORT_GROUP,
)  # fmt: skip

NOT_EXPORTED = {
    "_time": "Plumbing of the stream, and hours behind last_seen: it only marks messages whose interface counters are true.",
    "_ttl": "Plumbing of the stream: how long Mist keeps the message, not a measurement.",
    "clients_stats.total.num_aps[*]": "A list whose places are not documented; num_clients and ap_redundancy tell the access points of each member.",
    "if_stat.{key}.rx_bytes": "Always 0 on live switches beside real packets; mist_switch_port_receive_bytes_total has the bytes.",
    "if_stat.{key}.tx_bytes": "Always 0 on live switches beside real packets; mist_switch_port_transmit_bytes_total has the bytes.",
    "if_stat.{key}.servp_info.latitude": "Where a database puts the internet provider of a WAN link; switches send it empty.",
    "if_stat.{key}.servp_info.longitude": "Where a database puts the internet provider of a WAN link; switches send it empty.",
    **{f"ports[*].{field}": reason for field, reason in switch_ports.NOT_EXPORTED.items()},
}
