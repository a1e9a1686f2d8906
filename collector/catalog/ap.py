"""Access points: everything that an AP's statistics measure (wire facts: "4.1" and "7" of the Mist reference)."""

from __future__ import annotations

from collector.catalog.device_tables import (
    ROOT_LABELS,
    expiring_certificates,
    firmware_update,
    load_average,
    measured,
    measured_memory,
    throughput,
)
from collector.catalog.units import BITS, BYTE_SCALE, HECTOPASCALS, MEGABITS, MEGAHERTZ, MILLISECONDS, MILLIWATTS
from collector.metrics.model import (
    BY_KEY,
    PERCENT,
    At,
    Counter,
    Entity,
    Flag,
    Gauge,
    Guard,
    Info,
    Label,
    StateSet,
    timestamp,
)

POWER_SOURCES = ("dc input", "poe 802.3af", "poe 802.3at", "poe 802.3bt", "multi-pd", "lldp")
TUNNEL_STATES = ("established", "established_with_session", "idle", "wait-ctrl-conn", "wait-ctrl-reply")
BANDS = {"24": "2.4", "5": "5", "6": "6"}
RADIOS = ("band_24", "band_5", "band_6")


def band_of(key: str, usage: str | None) -> str:
    """The band a radio works on: `usage` names it; the key does where usage is missing (dual-band radios differ)."""
    band = usage or key.removeprefix("band_")
    return BANDS.get(band, band)


AP = Entity(
    "ap",
    labels=ROOT_LABELS,
    families=(
        *measured("ap", cpu="cpu_util", memory="memory_stat.usage"),
        *measured_memory("ap"),
        # wireless side as a whole
        Gauge("mist_ap_clients", "num_clients", "Wireless clients connected."),
        Gauge("mist_ap_wlans", "num_wlans", "WLANs applied to the AP."),
        Counter("mist_ap_receive_bytes_total", "rx_bytes", "Bytes received from clients since the AP started."),
        Counter("mist_ap_transmit_bytes_total", "tx_bytes", "Bytes sent to clients since the AP started."),
        Counter("mist_ap_receive_packets_total", "rx_pkts", "Packets received from clients since the AP started."),
        Counter("mist_ap_transmit_packets_total", "tx_pkts", "Packets sent to clients since the AP started."),
        *throughput("mist_ap"),
        # power
        Gauge("mist_ap_power_budget_watts", "power_budget", "Power to spare; negative when the AP gets too little.", MILLIWATTS),
        Flag("mist_ap_power_constrained", "power_constrained", "Whether the AP saves power because it gets too little."),
        StateSet("mist_ap_power_source", "power_src", "Where the AP takes its power from.", POWER_SOURCES, label="source"),
        # environment
        Gauge("mist_ap_cpu_temperature_celsius", "env_stat.cpu_temp", "Temperature of the processor."),
        Gauge("mist_ap_ambient_temperature_celsius", "env_stat.ambient_temp", "Temperature inside the housing."),
        Gauge("mist_ap_humidity_ratio", "env_stat.humidity", "Relative humidity.", PERCENT),
        Gauge("mist_ap_pressure_pascals", "env_stat.pressure", "Air pressure.", HECTOPASCALS),
        Gauge("mist_ap_core_voltage_volts", "env_stat.vcore_voltage", "Core voltage as the AP's sensor tells it."),
        Gauge("mist_ap_attitude", "env_stat.attitude", "Orientation reading; its unit is not documented."),
        *(Gauge("mist_ap_acceleration_g", f"env_stat.accel_{axis}", "Acceleration by axis, in units of standard gravity; shows how the AP hangs.", labels={"axis": axis}) for axis in "xyz"),
        *(Gauge("mist_ap_magnetic_field", f"env_stat.magne_{axis}", "Magnetometer reading by axis; its unit is not documented.", labels={"axis": axis}) for axis in "xyz"),
        # Bluetooth
        Counter("mist_ap_ble_receive_bytes_total", "ble_stat.rx_bytes", "Bytes received over Bluetooth since the AP started."),
        Counter("mist_ap_ble_transmit_bytes_total", "ble_stat.tx_bytes", "Bytes sent over Bluetooth since the AP started."),
        Counter("mist_ap_ble_receive_packets_total", "ble_stat.rx_pkts", "Packets received over Bluetooth since the AP started."),
        Counter("mist_ap_ble_transmit_packets_total", "ble_stat.tx_pkts", "Packets sent over Bluetooth since the AP started."),
        Counter("mist_ap_ble_transmit_resets_total", "ble_stat.tx_resets", "Resets of the Bluetooth radio because sending hung."),
        Gauge("mist_ap_ble_transmit_power_dbm", "ble_stat.power", "Transmit power of the Bluetooth radio."),
        Flag("mist_ap_ble_beacon_enabled", "ble_stat.beacon_enabled", "Whether Mist beacons are sent."),
        Gauge("mist_ap_ble_beacon_rate_hertz", "ble_stat.beacon_rate", "Mist beacons sent a second."),
        *(Flag("mist_ap_ble_beacon_format_enabled", f"ble_stat.{form}_enabled", "Whether beacons of this format are sent.", labels={"format": form}) for form in ("ibeacon", "eddystone_uid", "eddystone_url")),
        *(Gauge("mist_ap_ble_beacon_interval_seconds", f"ble_stat.{form}_freq_msec", "Time between two beacons of this format.", MILLISECONDS, {"format": form}) for form in ("ibeacon", "eddystone_uid", "eddystone_url")),
        # what is plugged in
        Flag("mist_ap_esl_connected", "esl_stat.connected", "Whether the electronic shelf label dongle is connected."),
        Flag("mist_ap_esl_up", "esl_stat.up", "Whether the electronic shelf label dongle works."),
        Gauge("mist_ap_esl_channel", "esl_stat.channel", "Radio channel of the electronic shelf label dongle."),
        Info("mist_ap_esl_info", {"type": "esl_stat.type", "vendor_id": "esl_stat.vendor_id", "product_id": "esl_stat.product_id"}, "The electronic shelf label dongle."),
        Flag("mist_ap_usb_connected", "usb_stat.connected", "Whether the USB peripheral is connected."),
        Flag("mist_ap_usb_up", "usb_stat.up", "Whether the USB peripheral works."),
        Gauge("mist_ap_usb_channel", "usb_stat.channel", "Radio channel of the USB peripheral."),
        timestamp("mist_ap_usb_last_activity_timestamp_seconds", "usb_stat.last_activity", "When the USB peripheral was last active."),
        Info("mist_ap_usb_info", {"type": "usb_stat.type"}, "The USB peripheral."),
        # where it is
        Gauge("mist_ap_gps_latitude_degrees", "gps_stat.latitude", "Latitude, positive to the north."),
        Gauge("mist_ap_gps_longitude_degrees", "gps_stat.longitude", "Longitude, positive to the east."),
        Gauge("mist_ap_gps_altitude_meters", "gps_stat.altitude", "Height above sea level."),
        Gauge("mist_ap_gps_accuracy_meters", "gps_stat.accuracy", "Estimated error of the position."),
        timestamp("mist_ap_gps_timestamp_seconds", "gps_stat.timestamp", "When the position was taken."),
        StateSet("mist_ap_gps_source", "gps_stat.src", "Whether the position is the AP's own or derived from its neighbours.", ("gps", "other_ap"), label="source", fold=lambda text: text.lower().replace("other_aps", "other_ap")),
        *(Gauge("mist_ap_map_position_pixels", axis, "Position on the map, in pixels of its drawing.", labels={"axis": axis}) for axis in "xy"),
        Flag("mist_ap_placement_locked", "locked", "Whether placement and orientation were checked by somebody."),
        *(Gauge("mist_ap_auto_placement_position_meters", f"auto_placement.{axis}_m", "Position found by automatic placement.", labels={"axis": axis}) for axis in "xy"),
        Gauge("mist_ap_auto_placement_radius_meters", "auto_placement.info.probability_surface.radius_m", "Uncertainty of the automatic placement."),
        Flag("mist_ap_auto_placement_recommended_anchor", "auto_placement.recommended_anchor", "Whether automatic placement recommends the AP as an anchor."),
        Info("mist_ap_auto_placement_info", {"status": "auto_placement.status", "detail": "auto_placement.status_detail"}, "State of the automatic placement."),
        # the rest
        Flag("mist_device_config_reverted", "config_reverted", "Whether the device went back to its last working configuration.", labels={"device_type": "ap"}),
        Flag("mist_device_locating", "locating", "Whether the device blinks so that it can be found.", labels={"device_type": "ap"}),
        Flag("mist_ap_led_enabled", "led.enabled", "Whether the indicator lamp is on."),
        Gauge("mist_ap_led_brightness_ratio", "led.brightness", "Configured brightness of the indicator lamp.", BYTE_SCALE),
        Gauge("mist_ap_management_mtu_bytes", "ip_config.mtu", "Largest packet on the management interface."),
        Flag("mist_ap_radio_scanning_enabled", "radio_config.scanning_enabled", "Whether the AP scans the air for its radio plan."),
        Gauge("mist_ap_switch_redundant_aps", "switch_redundancy.num_redundant_aps", "Neighbouring APs on other switches that could take over."),
        Info(
            "mist_ap_info",
            {
                "antenna": ("antenna_select", "ant_mode"), "mount": "mount", "power_mode": "power_opmode",
                "ip_assignment": "ip_config.type", "ip6_assignment": "ip_config.type6", "trouble_code": "last_trouble.code",
            },
            "Settings of the AP that are words, and the code of its last trouble.",
        ),
        firmware_update("ap"),
    ),
)  # fmt: skip

RADIO = Entity(
    "ap_radio",
    within=AP,
    at="radio_stat.{band}",
    known=RADIOS,
    labels={"radio": BY_KEY, "band": Label("usage", band_of)},
    unless=(Guard("disabled", is_=True), Guard("channel", is_=0)),  # a disabled radio reports zeros, which are no measurements
    families=(
        Gauge("mist_ap_radio_clients", "num_clients", "Wireless clients connected to the radio."),
        Gauge("mist_ap_radio_wlans", "num_wlans", "WLANs applied to the radio."),
        Gauge("mist_ap_radio_channel", "channel", "Channel the radio works on."),
        Gauge("mist_ap_radio_bandwidth_hertz", "bandwidth", "Width of the channel.", MEGAHERTZ),
        Gauge("mist_ap_radio_transmit_power_dbm", "power", "Transmit power."),
        Gauge("mist_ap_radio_noise_floor_dbm", "noise_floor", "Noise floor heard by the radio."),
        Gauge("mist_ap_radio_utilization_ratio", "util_all", "Share of airtime in use, all causes.", PERCENT),
        *(
            Gauge("mist_ap_radio_utilization_by_cause_ratio", f"util_{cause}", "Share of airtime in use by cause: own sending, receiving in and outside the own network, and noise of four sorts.", PERCENT, {"cause": cause})
            for cause in ("tx", "rx_in_bss", "rx_other_bss", "non_wifi", "undecodable_wifi", "unknown_wifi")
        ),
        Counter("mist_ap_radio_receive_bytes_total", "rx_bytes", "Bytes received by the radio since the AP started."),
        Counter("mist_ap_radio_transmit_bytes_total", "tx_bytes", "Bytes sent by the radio since the AP started."),
        Counter("mist_ap_radio_receive_packets_total", "rx_pkts", "Packets received by the radio since the AP started."),
        Counter("mist_ap_radio_transmit_packets_total", "tx_pkts", "Packets sent by the radio since the AP started."),
        Flag("mist_ap_radio_dynamic_chaining_enabled", "dynamic_chaining_enabled", "Whether the number of transmit chains adapts."),
        Info("mist_ap_radio_info", {"radio_mac": "mac"}, "Base MAC address of the radio; its BSSIDs count up from here."),
    ),
)  # fmt: skip

RADIO_CONFIG = Entity(
    "ap_radio_config",
    within=AP,
    at=tuple(At(f"radio_config.{radio}", {"radio": radio, "band": band_of(radio, None)}) for radio in RADIOS),
    families=(
        Flag("mist_ap_radio_config_disabled", "disabled", "Whether the radio is switched off by configuration."),
        Gauge("mist_ap_radio_config_channel", "channel", "Configured channel; 0 leaves the choice to the radio plan."),
        Gauge("mist_ap_radio_config_bandwidth_hertz", "bandwidth", "Configured width of the channel.", MEGAHERTZ),
        Gauge("mist_ap_radio_config_power_dbm", "power", "Configured transmit power."),
        Gauge("mist_ap_radio_config_power_min_dbm", "power_min", "Lowest transmit power allowed."),
        Gauge("mist_ap_radio_config_power_max_dbm", "power_max", "Highest transmit power allowed."),
        Gauge("mist_ap_radio_config_receive_chains", "rx_chain", "Receive chains in use."),
        Gauge("mist_ap_radio_config_transmit_chains", "tx_chain", "Transmit chains in use."),
        Flag("mist_ap_radio_config_rrm_disable_allowed", "allow_rrm_disable", "Whether the radio plan may switch the radio off."),
        Flag("mist_ap_radio_config_dynamic_chaining_enabled", "dynamic_chaining_enabled", "Whether adapting the number of transmit chains is configured."),
    ),
)  # fmt: skip

PORT = Entity(
    "ap_port",
    within=AP,
    at="port_stat.{port}",
    labels={"port": BY_KEY},
    families=(
        Flag("mist_ap_port_up", "up", "Whether the Ethernet port has a link."),
        Flag("mist_ap_port_full_duplex", "full_duplex", "Whether the link is full duplex."),
        Gauge("mist_ap_port_speed_bytes_per_second", "speed", "Negotiated speed of the link.", MEGABITS),
        Counter("mist_ap_port_receive_bytes_total", "rx_bytes", "Bytes received by the port since the AP started."),
        Counter("mist_ap_port_transmit_bytes_total", "tx_bytes", "Bytes sent by the port since the AP started."),
        Counter("mist_ap_port_receive_packets_total", "rx_pkts", "Packets received by the port since the AP started."),
        Counter("mist_ap_port_transmit_packets_total", "tx_pkts", "Packets sent by the port since the AP started."),
        Counter("mist_ap_port_receive_errors_total", "rx_errors", "Receive errors of the port since the AP started."),
        Gauge("mist_ap_port_receive_peak_bytes_per_second", "rx_peak_bps", "Highest rate of receiving.", BITS),
        Gauge("mist_ap_port_transmit_peak_bytes_per_second", "tx_peak_bps", "Highest rate of sending.", BITS),
    ),
)

LLDP = Entity(
    "ap_lldp",
    within=AP,
    # the newer map has an entry a port; the older single object has no port
    at=(At("lldp_stats.{port}"), At("lldp_stat")),
    labels={"port": BY_KEY},
    families=(
        Gauge("mist_ap_lldp_power_allocated_watts", "power_allocated", "Power that the switch granted.", MILLIWATTS),
        Gauge("mist_ap_lldp_power_requested_watts", "power_requested", "Power that the AP asked for.", MILLIWATTS),
        Gauge("mist_ap_lldp_power_draw_watts", "power_draw", "Power that the AP needs at present.", MILLIWATTS),
        Gauge("mist_ap_lldp_power_needed_watts", "power_needed", "Power needed with everything plugged in.", MILLIWATTS),
        Gauge("mist_ap_lldp_power_available_watts", "power_avail", "Power available from the source.", MILLIWATTS),
        Gauge("mist_ap_lldp_power_budget_watts", "power_budget", "Power to spare on this source; negative when too little.", MILLIWATTS),
        Flag("mist_ap_lldp_power_constrained", "power_constrained", "Whether the power on this source is too little."),
        Counter("mist_ap_lldp_power_requests_total", "power_request_count", "Power negotiations; ever more of them mean unstable power."),
        Flag("mist_ap_lldp_med_supported", "lldp_med_supported", "Whether the neighbour speaks LLDP-MED."),
        Info(
            "mist_ap_lldp_neighbor_info",
            {
                "neighbor": "system_name", "neighbor_port": "port_id", "neighbor_port_description": "port_desc",
                "chassis_id": "chassis_id", "management_address": "mgmt_addr",
                "power_source": "power_src", "power_mode": "power_opmode",
            },
            "The switch port at the other end of the cable.",
        ),
    ),
)  # fmt: skip

MESH_LINK = Entity(
    "ap_mesh_link",
    within=AP,
    at=(At("mesh_uplink", {"direction": "uplink"}), At("mesh_downlinks.{peer}", {"direction": "downlink"})),
    labels={"peer": Label("uplink_ap_id", lambda key, uplink: key or uplink or "")},
    families=(
        Gauge("mist_ap_mesh_link_rssi_dbm", "rssi", "Signal strength of the mesh link."),
        Gauge("mist_ap_mesh_link_snr_db", "snr", "Signal-to-noise ratio of the mesh link."),
        Gauge("mist_ap_mesh_link_channel", "channel", "Channel of the mesh link."),
        Gauge("mist_ap_mesh_link_idle_seconds", "idle_time", "Time since traffic was last seen on the mesh link."),
        timestamp("mist_ap_mesh_link_last_seen_timestamp_seconds", "last_seen", "When the mesh link was last seen."),
        Gauge("mist_ap_mesh_link_receive_bytes_per_second", "rx_bps", "Rate of receiving, as last told.", BITS),
        Gauge("mist_ap_mesh_link_transmit_bytes_per_second", "tx_bps", "Rate of sending, as last told.", BITS),
        Gauge("mist_ap_mesh_link_receive_speed_bytes_per_second", "rx_rate", "Data rate that the radios agreed on for receiving.", MEGABITS),
        Gauge("mist_ap_mesh_link_transmit_speed_bytes_per_second", "tx_rate", "Data rate that the radios agreed on for sending.", MEGABITS),
        Counter("mist_ap_mesh_link_receive_bytes_total", "rx_bytes", "Bytes received since the link was made."),
        Counter("mist_ap_mesh_link_transmit_bytes_total", "tx_bytes", "Bytes sent since the link was made."),
        Counter("mist_ap_mesh_link_receive_packets_total", ("rx_packets", "rx_pkts"), "Packets received since the link was made."),
        Counter("mist_ap_mesh_link_transmit_packets_total", ("tx_packets", "tx_pkts"), "Packets sent since the link was made."),
        Counter("mist_ap_mesh_link_receive_retries_total", "rx_retries", "Frames received more than once."),
        Counter("mist_ap_mesh_link_transmit_retries_total", "tx_retries", "Frames that had to be sent again."),
        Info("mist_ap_mesh_link_info", {"band": "band", "protocol": "proto"}, "Band and 802.11 protocol of the mesh link."),
    ),
)  # fmt: skip

IOT = Entity(
    "ap_iot",
    within=AP,
    at="iot_stat.{input}",
    labels={"input": BY_KEY},
    families=(Gauge("mist_ap_iot_input_value", "value", "Value of an IoT port of the AP; 1 or 0 on digital ones."),),
)

L2TP = Entity(
    "ap_l2tp",
    within=AP,
    at="l2tp_stat.{tunnel}",
    labels={"tunnel": BY_KEY},
    families=(
        StateSet("mist_ap_l2tp_tunnel_state", "state", "State of the WxLAN tunnel.", TUNNEL_STATES),
        Gauge("mist_ap_l2tp_tunnel_uptime_seconds", "uptime", "Time since the WxLAN tunnel came up."),
    ),
)

L2TP_SESSION = Entity(
    "ap_l2tp_session",
    within=L2TP,
    at="sessions[*]",
    key="remote_id",
    labels={"session": BY_KEY},
    families=(
        StateSet("mist_ap_l2tp_session_state", "state", "State of a session in the WxLAN tunnel.", TUNNEL_STATES),
    ),
)

NESTED = (
    RADIO, RADIO_CONFIG, PORT, LLDP, MESH_LINK, IOT, L2TP, L2TP_SESSION, load_average(AP), expiring_certificates(AP),
)  # fmt: skip

# told whole in every full message, and nearly always the same as before
STEADY = ("radio_config", "lldp_stats", "lldp_stat", "ip_config", "ip_stat", "auto_placement")

NOT_EXPORTED = {
    "_time": "Plumbing of the stream: on APs it repeats last_seen.",
    "_ttl": "Plumbing of the stream: how long Mist keeps the message, not a measurement.",
    "cpu_system": "Captured values (21921854) contradict the documented percent; cpu_util and cpu_stat are exported.",
    "cpu_user": "Captured values (7496631) contradict the documented percent; cpu_util and cpu_stat are exported.",
    "auto_placement.x": "The same position in pixels of the drawing; auto_placement.x_m is exported.",
    "auto_placement.y": "The same position in pixels of the drawing; auto_placement.y_m is exported.",
    "auto_placement.info.probability_surface.radius": "The same radius in pixels of the drawing; radius_m is exported.",
    "auto_placement.info.probability_surface.x": "Centre of the uncertainty, in pixels only and documented as the other axis.",
}
