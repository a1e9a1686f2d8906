"""Tables of AP statistics."""

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
    """Return the band of a radio.

    Args:
        key: Key of the radio in `radio_stat`, for example `band_24`; used when `usage` is missing.
        usage: Band reported by the radio. It differs from the key on dual-band radios.
    """
    band = usage or key.removeprefix("band_")
    return BANDS.get(band, band)


AP = Entity(
    "ap",
    labels=ROOT_LABELS,
    families=(
        *measured("ap", cpu="cpu_util", memory="memory_stat.usage"),
        *measured_memory("ap"),
        # all radios together
        Gauge("mist_ap_clients", "num_clients", "Number of wireless clients connected to the AP."),
        Gauge("mist_ap_wlans", "num_wlans", "Number of WLANs applied to the AP."),
        Counter("mist_ap_receive_bytes_total", "rx_bytes", "Total number of bytes received from wireless clients since the AP started."),
        Counter("mist_ap_transmit_bytes_total", "tx_bytes", "Total number of bytes transmitted to wireless clients since the AP started."),
        Counter("mist_ap_receive_packets_total", "rx_pkts", "Total number of packets received from wireless clients since the AP started."),
        Counter("mist_ap_transmit_packets_total", "tx_pkts", "Total number of packets transmitted to wireless clients since the AP started."),
        *throughput("mist_ap", "AP"),
        # power
        Gauge("mist_ap_power_budget_watts", "power_budget", "Power surplus of the AP, negative for a deficit.", MILLIWATTS),
        Flag("mist_ap_power_constrained", "power_constrained", "Whether the AP is power constrained (insufficient PoE)."),
        StateSet("mist_ap_power_source", "power_src", "Power source of the AP (1 for the current source).", POWER_SOURCES, label="source"),
        # environment
        Gauge("mist_ap_cpu_temperature_celsius", "env_stat.cpu_temp", "CPU temperature of the AP."),
        Gauge("mist_ap_ambient_temperature_celsius", "env_stat.ambient_temp", "Ambient temperature inside the AP."),
        Gauge("mist_ap_humidity_ratio", "env_stat.humidity", "Relative humidity measured by the AP.", PERCENT),
        Gauge("mist_ap_pressure_pascals", "env_stat.pressure", "Barometric pressure measured by the AP.", HECTOPASCALS),
        Gauge("mist_ap_core_voltage_volts", "env_stat.vcore_voltage", "Core voltage measured by the AP sensor."),
        Gauge("mist_ap_attitude", "env_stat.attitude", "Orientation (attitude) reading of the AP, in an undocumented unit."),
        *(Gauge("mist_ap_acceleration_g", f"env_stat.accel_{axis}", "Acceleration measured by the AP along each axis, in units of standard gravity; indicates the mounting orientation.", labels={"axis": axis}) for axis in "xyz"),
        *(Gauge("mist_ap_magnetic_field", f"env_stat.magne_{axis}", "Magnetometer reading of the AP along each axis, in an undocumented unit.", labels={"axis": axis}) for axis in "xyz"),
        # Bluetooth
        Counter("mist_ap_ble_receive_bytes_total", "ble_stat.rx_bytes", "Total number of bytes received over BLE since the AP started."),
        Counter("mist_ap_ble_transmit_bytes_total", "ble_stat.tx_bytes", "Total number of bytes transmitted over BLE since the AP started."),
        Counter("mist_ap_ble_receive_packets_total", "ble_stat.rx_pkts", "Total number of packets received over BLE since the AP started."),
        Counter("mist_ap_ble_transmit_packets_total", "ble_stat.tx_pkts", "Total number of packets transmitted over BLE since the AP started."),
        Counter("mist_ap_ble_transmit_resets_total", "ble_stat.tx_resets", "Total number of BLE radio resets caused by a TX hang."),
        Gauge("mist_ap_ble_transmit_power_dbm", "ble_stat.power", "Transmit power of the BLE radio of the AP."),
        Flag("mist_ap_ble_beacon_enabled", "ble_stat.beacon_enabled", "Whether the AP transmits Mist BLE beacons."),
        Gauge("mist_ap_ble_beacon_rate_hertz", "ble_stat.beacon_rate", "Number of Mist BLE beacons transmitted per second."),
        *(Flag("mist_ap_ble_beacon_format_enabled", f"ble_stat.{form}_enabled", "Whether the AP transmits BLE beacons of the format (iBeacon, Eddystone-UID, Eddystone-URL).", labels={"format": form}) for form in ("ibeacon", "eddystone_uid", "eddystone_url")),
        *(Gauge("mist_ap_ble_beacon_interval_seconds", f"ble_stat.{form}_freq_msec", "Advertising interval of BLE beacons of the format (iBeacon, Eddystone-UID, Eddystone-URL).", MILLISECONDS, {"format": form}) for form in ("ibeacon", "eddystone_uid", "eddystone_url")),
        # peripherals
        Flag("mist_ap_esl_connected", "esl_stat.connected", "Whether an electronic shelf label (ESL) dongle is connected to the AP."),
        Flag("mist_ap_esl_up", "esl_stat.up", "Whether the electronic shelf label (ESL) dongle is operational."),
        Gauge("mist_ap_esl_channel", "esl_stat.channel", "Radio channel of the electronic shelf label (ESL) dongle."),
        Info("mist_ap_esl_info", {"type": "esl_stat.type", "vendor_id": "esl_stat.vendor_id", "product_id": "esl_stat.product_id"}, "Information about the electronic shelf label (ESL) dongle: type, vendor ID and product ID."),
        Flag("mist_ap_usb_connected", "usb_stat.connected", "Whether a USB peripheral is connected to the AP."),
        Flag("mist_ap_usb_up", "usb_stat.up", "Whether the USB peripheral is operational."),
        Gauge("mist_ap_usb_channel", "usb_stat.channel", "Radio channel of the USB peripheral."),
        timestamp("mist_ap_usb_last_activity_timestamp_seconds", "usb_stat.last_activity", "Time of the last activity of the USB peripheral, in seconds since the epoch."),
        Info("mist_ap_usb_info", {"type": "usb_stat.type"}, "Information about the USB peripheral: type."),
        # location
        Gauge("mist_ap_gps_latitude_degrees", "gps_stat.latitude", "GPS latitude of the AP, positive to the north."),
        Gauge("mist_ap_gps_longitude_degrees", "gps_stat.longitude", "GPS longitude of the AP, positive to the east."),
        Gauge("mist_ap_gps_altitude_meters", "gps_stat.altitude", "GPS altitude of the AP above sea level."),
        Gauge("mist_ap_gps_accuracy_meters", "gps_stat.accuracy", "Estimated accuracy of the GPS position of the AP."),
        timestamp("mist_ap_gps_timestamp_seconds", "gps_stat.timestamp", "Time of the GPS position of the AP, in seconds since the epoch."),
        StateSet("mist_ap_gps_source", "gps_stat.src", "Source of the GPS position, the AP itself or a neighboring AP (1 for the current source).", ("gps", "other_ap"), label="source", fold=lambda text: text.lower().replace("other_aps", "other_ap")),
        *(Gauge("mist_ap_map_position_pixels", axis, "Position of the AP on its map in pixels of the map image, by axis.", labels={"axis": axis}) for axis in "xy"),
        Flag("mist_ap_placement_locked", "locked", "Whether the placement and orientation of the AP on its map are locked (validated)."),
        *(Gauge("mist_ap_auto_placement_position_meters", f"auto_placement.{axis}_m", "Position of the AP on its map computed by auto-placement, by axis.", labels={"axis": axis}) for axis in "xy"),
        Gauge("mist_ap_auto_placement_radius_meters", "auto_placement.info.probability_surface.radius_m", "Radius of uncertainty of the auto-placement of the AP."),
        Flag("mist_ap_auto_placement_recommended_anchor", "auto_placement.recommended_anchor", "Whether auto-placement recommends the AP as an anchor."),
        Info("mist_ap_auto_placement_info", {"status": "auto_placement.status", "detail": "auto_placement.status_detail"}, "Information about the auto-placement of the AP: status and detail."),
        # configuration and status
        Flag("mist_device_config_reverted", "config_reverted", "Whether the device reverted to its last working configuration.", labels={"device_type": "ap"}),
        Flag("mist_device_locating", "locating", "Whether the locator LED of the device is active.", labels={"device_type": "ap"}),
        Flag("mist_ap_led_enabled", "led.enabled", "Whether the AP status LED is enabled."),
        Gauge("mist_ap_led_brightness_ratio", "led.brightness", "Configured brightness of the AP status LED.", BYTE_SCALE),
        Gauge("mist_ap_management_mtu_bytes", "ip_config.mtu", "MTU of the AP management interface."),
        Flag("mist_ap_radio_scanning_enabled", "radio_config.scanning_enabled", "Whether radio scanning for RRM is enabled on the AP."),
        Gauge("mist_ap_switch_redundant_aps", "switch_redundancy.num_redundant_aps", "Number of neighboring APs on other switches that provide switch redundancy for the AP."),
        Info(
            "mist_ap_info",
            {
                "antenna": ("antenna_select", "ant_mode"), "mount": "mount", "power_mode": "power_opmode",
                "ip_assignment": "ip_config.type", "ip6_assignment": "ip_config.type6", "trouble_code": "last_trouble.code",
            },
            "Information about the AP: antenna, mount, power mode, IP address assignment and last trouble code.",
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
    unless=(Guard("disabled", is_=True), Guard("channel", is_=0)),  # a disabled radio reports zeros instead of measurements
    families=(
        Gauge("mist_ap_radio_clients", "num_clients", "Number of wireless clients connected to the radio."),
        Gauge("mist_ap_radio_wlans", "num_wlans", "Number of WLANs applied to the radio."),
        Gauge("mist_ap_radio_channel", "channel", "Operating channel of the radio."),
        Gauge("mist_ap_radio_bandwidth_hertz", "bandwidth", "Channel width of the radio.", MEGAHERTZ),
        Gauge("mist_ap_radio_transmit_power_dbm", "power", "Transmit power of the radio."),
        Gauge("mist_ap_radio_noise_floor_dbm", "noise_floor", "Noise floor measured by the radio."),
        Gauge("mist_ap_radio_utilization_ratio", "util_all", "Total channel utilization measured by the radio.", PERCENT),
        *(
            Gauge("mist_ap_radio_utilization_by_cause_ratio", f"util_{cause}", "Channel utilization by cause (TX, RX in BSS, RX other BSS, non-Wi-Fi, undecodable Wi-Fi, unknown Wi-Fi).", PERCENT, {"cause": cause})
            for cause in ("tx", "rx_in_bss", "rx_other_bss", "non_wifi", "undecodable_wifi", "unknown_wifi")
        ),
        Counter("mist_ap_radio_receive_bytes_total", "rx_bytes", "Total number of bytes received by the radio since the AP started."),
        Counter("mist_ap_radio_transmit_bytes_total", "tx_bytes", "Total number of bytes transmitted by the radio since the AP started."),
        Counter("mist_ap_radio_receive_packets_total", "rx_pkts", "Total number of packets received by the radio since the AP started."),
        Counter("mist_ap_radio_transmit_packets_total", "tx_pkts", "Total number of packets transmitted by the radio since the AP started."),
        Flag("mist_ap_radio_dynamic_chaining_enabled", "dynamic_chaining_enabled", "Whether the radio uses dynamic chaining for the downlink."),
        Info("mist_ap_radio_info", {"radio_mac": "mac"}, "Information about the radio: base MAC address, from which its BSSIDs are derived."),
    ),
)  # fmt: skip

RADIO_CONFIG = Entity(
    "ap_radio_config",
    within=AP,
    at=tuple(At(f"radio_config.{radio}", {"radio": radio, "band": band_of(radio, None)}) for radio in RADIOS),
    families=(
        Flag("mist_ap_radio_config_disabled", "disabled", "Whether the radio is disabled by configuration."),
        Gauge("mist_ap_radio_config_channel", "channel", "Configured channel of the radio, 0 for automatic selection by RRM."),
        Gauge("mist_ap_radio_config_bandwidth_hertz", "bandwidth", "Configured channel width of the radio.", MEGAHERTZ),
        Gauge("mist_ap_radio_config_power_dbm", "power", "Configured transmit power of the radio."),
        Gauge("mist_ap_radio_config_power_min_dbm", "power_min", "Configured minimum transmit power of the radio."),
        Gauge("mist_ap_radio_config_power_max_dbm", "power_max", "Configured maximum transmit power of the radio."),
        Gauge("mist_ap_radio_config_receive_chains", "rx_chain", "Configured number of RX chains of the radio."),
        Gauge("mist_ap_radio_config_transmit_chains", "tx_chain", "Configured number of TX chains of the radio."),
        Flag("mist_ap_radio_config_rrm_disable_allowed", "allow_rrm_disable", "Whether RRM may disable the radio."),
        Flag("mist_ap_radio_config_dynamic_chaining_enabled", "dynamic_chaining_enabled", "Whether dynamic chaining is enabled in the configuration of the radio."),
    ),
)  # fmt: skip

PORT = Entity(
    "ap_port",
    within=AP,
    at="port_stat.{port}",
    labels={"port": BY_KEY},
    families=(
        Flag("mist_ap_port_up", "up", "Whether the link of the AP Ethernet port is up."),
        Flag("mist_ap_port_full_duplex", "full_duplex", "Whether the AP Ethernet port operates in full duplex."),
        Gauge(
            "mist_ap_port_speed_bytes_per_second", "speed", "Negotiated link speed of the AP Ethernet port.", MEGABITS
        ),
        Counter(
            "mist_ap_port_receive_bytes_total",
            "rx_bytes",
            "Total number of bytes received on the AP Ethernet port since the AP started.",
        ),
        Counter(
            "mist_ap_port_transmit_bytes_total",
            "tx_bytes",
            "Total number of bytes transmitted on the AP Ethernet port since the AP started.",
        ),
        Counter(
            "mist_ap_port_receive_packets_total",
            "rx_pkts",
            "Total number of packets received on the AP Ethernet port since the AP started.",
        ),
        Counter(
            "mist_ap_port_transmit_packets_total",
            "tx_pkts",
            "Total number of packets transmitted on the AP Ethernet port since the AP started.",
        ),
        Counter(
            "mist_ap_port_receive_errors_total",
            "rx_errors",
            "Total number of receive errors on the AP Ethernet port since the AP started.",
        ),
        Gauge(
            "mist_ap_port_receive_peak_bytes_per_second",
            "rx_peak_bps",
            "Peak receive rate of the AP Ethernet port.",
            BITS,
        ),
        Gauge(
            "mist_ap_port_transmit_peak_bytes_per_second",
            "tx_peak_bps",
            "Peak transmit rate of the AP Ethernet port.",
            BITS,
        ),
    ),
)

LLDP = Entity(
    "ap_lldp",
    within=AP,
    # lldp_stats is a map by port; the older lldp_stat is one object without a port
    at=(At("lldp_stats.{port}"), At("lldp_stat")),
    labels={"port": BY_KEY},
    families=(
        Gauge("mist_ap_lldp_power_allocated_watts", "power_allocated", "PoE power allocated to the AP by the power sourcing equipment (PSE).", MILLIWATTS),
        Gauge("mist_ap_lldp_power_requested_watts", "power_requested", "PoE power requested by the AP through LLDP.", MILLIWATTS),
        Gauge("mist_ap_lldp_power_draw_watts", "power_draw", "Power required by the AP as a powered device (PD).", MILLIWATTS),
        Gauge("mist_ap_lldp_power_needed_watts", "power_needed", "Total power required by the AP including peripherals.", MILLIWATTS),
        Gauge("mist_ap_lldp_power_available_watts", "power_avail", "Total power available to the AP from the power source.", MILLIWATTS),
        Gauge("mist_ap_lldp_power_budget_watts", "power_budget", "Power surplus of the AP on this power source, negative for a deficit.", MILLIWATTS),
        Flag("mist_ap_lldp_power_constrained", "power_constrained", "Whether the power of this power source is insufficient for the AP."),
        Counter("mist_ap_lldp_power_requests_total", "power_request_count", "Total number of LLDP power negotiations; a continuous increase indicates unstable power."),
        Flag("mist_ap_lldp_med_supported", "lldp_med_supported", "Whether the LLDP neighbor of the AP supports LLDP-MED."),
        Info(
            "mist_ap_lldp_neighbor_info",
            {
                "neighbor": "system_name", "neighbor_port": "port_id", "neighbor_port_description": "port_desc",
                "chassis_id": "chassis_id", "management_address": "mgmt_addr",
                "power_source": "power_src", "power_mode": "power_opmode",
            },
            "Information about the LLDP neighbor of the AP: switch name, port, chassis ID, management address and power.",
        ),
    ),
)  # fmt: skip

MESH_LINK = Entity(
    "ap_mesh_link",
    within=AP,
    at=(At("mesh_uplink", {"direction": "uplink"}), At("mesh_downlinks.{peer}", {"direction": "downlink"})),
    labels={"peer": Label("uplink_ap_id", lambda key, uplink: key or uplink or "")},
    families=(
        Gauge("mist_ap_mesh_link_rssi_dbm", "rssi", "RSSI of the mesh link."),
        Gauge("mist_ap_mesh_link_snr_db", "snr", "Signal-to-noise ratio (SNR) of the mesh link."),
        Gauge("mist_ap_mesh_link_channel", "channel", "Radio channel of the mesh link."),
        Gauge("mist_ap_mesh_link_idle_seconds", "idle_time", "Time since the last traffic on the mesh link."),
        timestamp("mist_ap_mesh_link_last_seen_timestamp_seconds", "last_seen", "Time when the mesh link was last seen, in seconds since the epoch."),
        Gauge("mist_ap_mesh_link_receive_bytes_per_second", "rx_bps", "Last reported receive rate of the mesh link.", BITS),
        Gauge("mist_ap_mesh_link_transmit_bytes_per_second", "tx_bps", "Last reported transmit rate of the mesh link.", BITS),
        Gauge("mist_ap_mesh_link_receive_speed_bytes_per_second", "rx_rate", "RX data rate (PHY rate) of the mesh link.", MEGABITS),
        Gauge("mist_ap_mesh_link_transmit_speed_bytes_per_second", "tx_rate", "TX data rate (PHY rate) of the mesh link.", MEGABITS),
        Counter("mist_ap_mesh_link_receive_bytes_total", "rx_bytes", "Total number of bytes received since the mesh link came up."),
        Counter("mist_ap_mesh_link_transmit_bytes_total", "tx_bytes", "Total number of bytes transmitted since the mesh link came up."),
        Counter("mist_ap_mesh_link_receive_packets_total", ("rx_packets", "rx_pkts"), "Total number of packets received since the mesh link came up."),
        Counter("mist_ap_mesh_link_transmit_packets_total", ("tx_packets", "tx_pkts"), "Total number of packets transmitted since the mesh link came up."),
        Counter("mist_ap_mesh_link_receive_retries_total", "rx_retries", "Total number of RX retries (retransmitted frames received) on the mesh link."),
        Counter("mist_ap_mesh_link_transmit_retries_total", "tx_retries", "Total number of TX retries (retransmitted frames) on the mesh link."),
        Info("mist_ap_mesh_link_info", {"band": "band", "protocol": "proto"}, "Information about the mesh link: band and 802.11 protocol."),
    ),
)  # fmt: skip

IOT = Entity(
    "ap_iot",
    within=AP,
    at="iot_stat.{input}",
    labels={"input": BY_KEY},
    families=(
        Gauge("mist_ap_iot_input_value", "value", "Value of an IoT input of the AP, 0 or 1 for digital inputs."),
    ),
)

L2TP = Entity(
    "ap_l2tp",
    within=AP,
    at="l2tp_stat.{tunnel}",
    labels={"tunnel": BY_KEY},
    families=(
        StateSet(
            "mist_ap_l2tp_tunnel_state",
            "state",
            "State of the WxLAN (L2TP) tunnel (1 for the current state).",
            TUNNEL_STATES,
        ),
        Gauge("mist_ap_l2tp_tunnel_uptime_seconds", "uptime", "Time since the WxLAN (L2TP) tunnel came up."),
    ),
)

L2TP_SESSION = Entity(
    "ap_l2tp_session",
    within=L2TP,
    at="sessions[*]",
    key="remote_id",
    labels={"session": BY_KEY},
    families=(
        StateSet(
            "mist_ap_l2tp_session_state",
            "state",
            "State of a session of the WxLAN (L2TP) tunnel (1 for the current state).",
            TUNNEL_STATES,
        ),
    ),
)

NESTED = (
    RADIO, RADIO_CONFIG, PORT, LLDP, MESH_LINK, IOT, L2TP, L2TP_SESSION, load_average(AP), expiring_certificates(AP),
)  # fmt: skip

# objects that are complete in every full message and rarely change
SKIP_UNCHANGED = ("radio_config", "lldp_stats", "lldp_stat", "ip_config", "ip_stat", "auto_placement")

NOT_EXPORTED = {
    "_time": "Transport metadata of the stream; on APs it repeats last_seen.",
    "_ttl": "Transport metadata of the stream (retention of the message), not a measurement.",
    "cpu_system": "Captured values (21921854) contradict the documented percent; cpu_util and cpu_stat are exported.",
    "cpu_user": "Captured values (7496631) contradict the documented percent; cpu_util and cpu_stat are exported.",
    "auto_placement.x": "The same position in pixels of the map image; auto_placement.x_m is exported.",
    "auto_placement.y": "The same position in pixels of the map image; auto_placement.y_m is exported.",
    "auto_placement.info.probability_surface.radius": "The same radius in pixels of the map image; radius_m is exported.",
    "auto_placement.info.probability_surface.x": "Center of the uncertainty area, available in pixels only and documented as the other axis.",
}
