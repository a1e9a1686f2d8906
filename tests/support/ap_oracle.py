"""What an access point's series must be, from the simulator's raw truth: written by hand, without the catalogue.

It knows nothing of the collector. A row of the tables below is a family, the JSON path of its value and what the value
is divided by to come to the base unit; a value that is absent or null makes no series. Booleans are 1 and 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.samples import Samples, series

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Payload = dict[str, Any]
Row = tuple[str, str, float]  # family, path, divisor

_BIT, _PERCENT, _MILLI, _MEGABIT, _MEGA = 8.0, 100.0, 1000.0, 1 / 125_000, 1e-6
_BAND = {"24": "2.4", "5": "5", "6": "6"}
_POWER = ("dc input", "poe 802.3af", "poe 802.3at", "poe 802.3bt", "multi-pd", "lldp", "other")
_UPDATE = ("inprogress", "failed", "upgraded", "success", "scheduled", "error", "other")
_TUNNEL = ("established", "established_with_session", "idle", "wait-ctrl-conn", "wait-ctrl-reply", "other")

_TRAFFIC: tuple[Row, ...] = (
    ("receive_bytes_total", "rx_bytes", 1),
    ("transmit_bytes_total", "tx_bytes", 1),
    ("receive_packets_total", "rx_pkts", 1),
    ("transmit_packets_total", "tx_pkts", 1),
)

_AP: tuple[Row, ...] = (
    *((f"mist_ap_{name}", path, per) for name, path, per in _TRAFFIC),
    *((f"mist_ap_ble_{name}", f"ble_stat.{path}", per) for name, path, per in _TRAFFIC),
    ("mist_ap_clients", "num_clients", 1),
    ("mist_ap_wlans", "num_wlans", 1),
    ("mist_ap_receive_bytes_per_second", "rx_bps", _BIT),
    ("mist_ap_transmit_bytes_per_second", "tx_bps", _BIT),
    ("mist_ap_power_budget_watts", "power_budget", _MILLI),
    ("mist_ap_power_constrained", "power_constrained", 1),
    ("mist_ap_cpu_temperature_celsius", "env_stat.cpu_temp", 1),
    ("mist_ap_ambient_temperature_celsius", "env_stat.ambient_temp", 1),
    ("mist_ap_humidity_ratio", "env_stat.humidity", _PERCENT),
    ("mist_ap_pressure_pascals", "env_stat.pressure", 0.01),
    ("mist_ap_core_voltage_volts", "env_stat.vcore_voltage", 1),
    ("mist_ap_attitude", "env_stat.attitude", 1),
    ("mist_ap_ble_transmit_resets_total", "ble_stat.tx_resets", 1),
    ("mist_ap_ble_transmit_power_dbm", "ble_stat.power", 1),
    ("mist_ap_ble_beacon_enabled", "ble_stat.beacon_enabled", 1),
    ("mist_ap_ble_beacon_rate_hertz", "ble_stat.beacon_rate", 1),
    ("mist_ap_esl_connected", "esl_stat.connected", 1),
    ("mist_ap_esl_up", "esl_stat.up", 1),
    ("mist_ap_esl_channel", "esl_stat.channel", 1),
    ("mist_ap_usb_connected", "usb_stat.connected", 1),
    ("mist_ap_usb_up", "usb_stat.up", 1),
    ("mist_ap_usb_channel", "usb_stat.channel", 1),
    ("mist_ap_usb_last_activity_timestamp_seconds", "usb_stat.last_activity", 1),
    ("mist_ap_gps_latitude_degrees", "gps_stat.latitude", 1),
    ("mist_ap_gps_longitude_degrees", "gps_stat.longitude", 1),
    ("mist_ap_gps_altitude_meters", "gps_stat.altitude", 1),
    ("mist_ap_gps_accuracy_meters", "gps_stat.accuracy", 1),
    ("mist_ap_gps_timestamp_seconds", "gps_stat.timestamp", 1),
    ("mist_ap_placement_locked", "locked", 1),
    ("mist_ap_auto_placement_radius_meters", "auto_placement.info.probability_surface.radius_m", 1),
    ("mist_ap_auto_placement_recommended_anchor", "auto_placement.recommended_anchor", 1),
    ("mist_ap_led_enabled", "led.enabled", 1),
    ("mist_ap_led_brightness_ratio", "led.brightness", 255),
    ("mist_ap_management_mtu_bytes", "ip_config.mtu", 1),
    ("mist_ap_radio_scanning_enabled", "radio_config.scanning_enabled", 1),
    ("mist_ap_switch_redundant_aps", "switch_redundancy.num_redundant_aps", 1),
)

# family, path, divisor; these carry device_type="ap"
_DEVICE: tuple[Row, ...] = (
    ("mist_device_uptime_seconds", "uptime", 1),
    ("mist_device_last_seen_timestamp_seconds", "last_seen", 1),
    ("mist_device_cpu_utilization_ratio", "cpu_util", _PERCENT),
    ("mist_device_memory_utilization_ratio", "memory_stat.usage", _PERCENT),
    ("mist_device_memory_total_bytes", "mem_total_kb", 1 / 1024),
    ("mist_device_memory_used_bytes", "mem_used_kb", 1 / 1024),
    ("mist_device_certificate_expiry_timestamp_seconds", "cert_expiry", 1),
    ("mist_device_last_trouble_timestamp_seconds", "last_trouble.timestamp", 1),
    ("mist_device_auto_upgrade_check_timestamp_seconds", "auto_upgrade_stat.lastcheck", 1),
    ("mist_device_firmware_update_timestamp_seconds", "fwupdate.timestamp", 1),
    ("mist_device_firmware_update_progress_ratio", "fwupdate.progress", _PERCENT),
    ("mist_device_firmware_update_will_retry", "fwupdate.will_retry", 1),
    ("mist_device_config_reverted", "config_reverted", 1),
    ("mist_device_locating", "locating", 1),
)

# label, its value -> path
_BY_LABEL: tuple[tuple[str, str, float, dict[str, str]], ...] = (
    ("mist_ap_acceleration_g", "axis", 1, {axis: f"env_stat.accel_{axis}" for axis in "xyz"}),
    ("mist_ap_magnetic_field", "axis", 1, {axis: f"env_stat.magne_{axis}" for axis in "xyz"}),
    ("mist_ap_map_position_pixels", "axis", 1, {"x": "x", "y": "y"}),
    ("mist_ap_auto_placement_position_meters", "axis", 1, {"x": "auto_placement.x_m", "y": "auto_placement.y_m"}),
    *(
        (
            family,
            "format",
            per,
            {form: f"ble_stat.{form}_{ending}" for form in ("ibeacon", "eddystone_uid", "eddystone_url")},
        )
        for family, ending, per in (
            ("mist_ap_ble_beacon_format_enabled", "enabled", 1),
            ("mist_ap_ble_beacon_interval_seconds", "freq_msec", _MILLI),
        )
    ),
)

_RADIO: tuple[Row, ...] = (
    *_TRAFFIC,
    ("clients", "num_clients", 1),
    ("wlans", "num_wlans", 1),
    ("channel", "channel", 1),
    ("bandwidth_hertz", "bandwidth", _MEGA),
    ("transmit_power_dbm", "power", 1),
    ("noise_floor_dbm", "noise_floor", 1),
    ("utilization_ratio", "util_all", _PERCENT),
    ("dynamic_chaining_enabled", "dynamic_chaining_enabled", 1),
)
_CAUSES = ("tx", "rx_in_bss", "rx_other_bss", "non_wifi", "undecodable_wifi", "unknown_wifi")

_RADIO_CONFIG: tuple[Row, ...] = (
    ("disabled", "disabled", 1),
    ("channel", "channel", 1),
    ("bandwidth_hertz", "bandwidth", _MEGA),
    ("power_dbm", "power", 1),
    ("power_min_dbm", "power_min", 1),
    ("power_max_dbm", "power_max", 1),
    ("receive_chains", "rx_chain", 1),
    ("transmit_chains", "tx_chain", 1),
    ("rrm_disable_allowed", "allow_rrm_disable", 1),
    ("dynamic_chaining_enabled", "dynamic_chaining_enabled", 1),
)

_PORT: tuple[Row, ...] = (
    *_TRAFFIC,
    ("up", "up", 1),
    ("full_duplex", "full_duplex", 1),
    ("speed_bytes_per_second", "speed", _MEGABIT),
    ("receive_errors_total", "rx_errors", 1),
    ("receive_peak_bytes_per_second", "rx_peak_bps", _BIT),
    ("transmit_peak_bytes_per_second", "tx_peak_bps", _BIT),
)

_LLDP: tuple[Row, ...] = (
    ("power_allocated_watts", "power_allocated", _MILLI),
    ("power_requested_watts", "power_requested", _MILLI),
    ("power_draw_watts", "power_draw", _MILLI),
    ("power_needed_watts", "power_needed", _MILLI),
    ("power_available_watts", "power_avail", _MILLI),
    ("power_budget_watts", "power_budget", _MILLI),
    ("power_constrained", "power_constrained", 1),
    ("power_requests_total", "power_request_count", 1),
    ("med_supported", "lldp_med_supported", 1),
)
_NEIGHBOR = {
    "neighbor": "system_name",
    "neighbor_port": "port_id",
    "neighbor_port_description": "port_desc",
    "chassis_id": "chassis_id",
    "management_address": "mgmt_addr",
    "power_source": "power_src",
    "power_mode": "power_opmode",
}

_MESH: tuple[Row, ...] = (
    ("rssi_dbm", "rssi", 1),
    ("snr_db", "snr", 1),
    ("channel", "channel", 1),
    ("idle_seconds", "idle_time", 1),
    ("last_seen_timestamp_seconds", "last_seen", 1),
    ("receive_bytes_per_second", "rx_bps", _BIT),
    ("transmit_bytes_per_second", "tx_bps", _BIT),
    ("receive_speed_bytes_per_second", "rx_rate", _MEGABIT),
    ("transmit_speed_bytes_per_second", "tx_rate", _MEGABIT),
    ("receive_bytes_total", "rx_bytes", 1),
    ("transmit_bytes_total", "tx_bytes", 1),
    ("receive_packets_total", "rx_packets", 1),
    ("transmit_packets_total", "tx_packets", 1),
    ("receive_retries_total", "rx_retries", 1),
    ("transmit_retries_total", "tx_retries", 1),
)

_INFOS: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "mist_ap_info",
        {
            "antenna": "antenna_select",
            "mount": "mount",
            "power_mode": "power_opmode",
            "ip_assignment": "ip_config.type",
            "ip6_assignment": "ip_config.type6",
            "trouble_code": "last_trouble.code",
        },
    ),
    (
        "mist_ap_esl_info",
        {"type": "esl_stat.type", "vendor_id": "esl_stat.vendor_id", "product_id": "esl_stat.product_id"},
    ),
    ("mist_ap_usb_info", {"type": "usb_stat.type"}),
    (
        "mist_ap_auto_placement_info",
        {"status": "auto_placement.status", "detail": "auto_placement.status_detail"},
    ),
)


def expected(truth: Payload, inventory: Payload) -> Samples:
    """Every series of one access point.

    `truth` is what the control endpoint answers under /truth/{mac}, `inventory` the device's entry in the listing of
    its org: from there come the two moments that the stream of some models leaves out.
    """
    ap = _Expected(truth)
    state = ap.state
    ap.rows("", _AP, state)
    ap.rows("", _DEVICE, state, device_type="ap")
    ap.put("mist_device_up", float(truth["connected"]), device_type="ap")
    for moment in ("created", "modified"):
        ap.put(f"mist_device_{moment}_timestamp_seconds", inventory[f"{moment}_time"], device_type="ap")
    for family, label, per, paths in _BY_LABEL:
        for value, path in paths.items():
            ap.rows("", ((family, path, per),), state, **{label: value})
    for mode in ("user", "system", "interrupt", "idle"):
        row = ("mist_device_cpu_mode_ratio", f"cpu_stat.{mode}", _PERCENT)
        ap.rows("", (row,), state, device_type="ap", mode=mode)
    for period, load in zip(("1m", "5m", "15m"), at(state, "cpu_stat.load_avg") or (), strict=False):
        ap.put("mist_device_load_average", load, device_type="ap", period=period)
    for serial, moment in (state.get("expiring_certs") or {}).items():
        ap.put("mist_device_expiring_certificate_timestamp_seconds", moment, device_type="ap", certificate=serial)
    ap.states("mist_ap_power_source", _POWER, state.get("power_src"), "source")
    ap.states("mist_ap_gps_source", ("gps", "other_ap", "other"), at(state, "gps_stat.src"), "source")
    ap.states("mist_device_firmware_update_status", _UPDATE, at(state, "fwupdate.status"), "state", device_type="ap")
    _radios(ap)
    _parts(ap)
    _infos(ap)
    return ap.samples


def _radios(ap: _Expected) -> None:
    """A disabled radio says zeros, which are no measurements: it has its configuration only."""
    state = ap.state
    for radio, section in (state.get("radio_stat") or {}).items():
        if section.get("disabled") or section["channel"] == 0:
            continue
        where = {"radio": radio, "band": _BAND[section["usage"]]}
        ap.rows("mist_ap_radio_", _RADIO, section, **where)
        for cause in _CAUSES:
            row = ("mist_ap_radio_utilization_by_cause_ratio", f"util_{cause}", _PERCENT)
            ap.rows("", (row,), section, **where, cause=cause)
        ap.info("mist_ap_radio_info", {"radio_mac": "mac"}, section, **where)
    for radio, band in (("band_24", "2.4"), ("band_5", "5"), ("band_6", "6")):
        section = at(state, f"radio_config.{radio}") or {}
        ap.rows("mist_ap_radio_config_", _RADIO_CONFIG, section, radio=radio, band=band)


def _parts(ap: _Expected) -> None:
    """Ports, neighbours, mesh links, inputs, tunnels."""
    state = ap.state
    for port, section in (state.get("port_stat") or {}).items():
        ap.rows("mist_ap_port_", _PORT, section, port=port)
    for port, section in {"": state.get("lldp_stat") or {}, **(state.get("lldp_stats") or {})}.items():
        ap.rows("mist_ap_lldp_", _LLDP, section, port=port)
        ap.info("mist_ap_lldp_neighbor_info", _NEIGHBOR, section, port=port)
    uplink = state.get("mesh_uplink") or {}
    links = [("uplink", uplink.get("uplink_ap_id", ""), uplink)]
    links += [("downlink", peer, section) for peer, section in (state.get("mesh_downlinks") or {}).items()]
    for direction, peer, section in links:
        ap.rows("mist_ap_mesh_link_", _MESH, section, direction=direction, peer=peer)
        names = {"band": "band", "protocol": "proto"}
        ap.info("mist_ap_mesh_link_info", names, section, direction=direction, peer=peer)
    for name, section in (state.get("iot_stat") or {}).items():
        ap.rows("mist_ap_iot_", (("input_value", "value", 1),), section, input=name)
    for tunnel, section in (state.get("l2tp_stat") or {}).items():
        ap.rows("mist_ap_l2tp_", (("tunnel_uptime_seconds", "uptime", 1),), section, tunnel=tunnel)
        ap.states("mist_ap_l2tp_tunnel_state", _TUNNEL, section["state"], "state", tunnel=tunnel)
        for session in section["sessions"]:
            where = {"tunnel": tunnel, "session": session["remote_id"]}
            ap.states("mist_ap_l2tp_session_state", _TUNNEL, session["state"], "state", **where)


def _infos(ap: _Expected) -> None:
    for family, paths in _INFOS:
        ap.info(family, paths, ap.state)
    told = {
        "name": "name",
        "model": "model",
        "serial": "serial",
        "version": "version",
        "hardware_revision": "hw_rev",
        "ip": "ip",
        "external_ip": "ext_ip",
        "map_id": "map_id",
    }
    ap.info("mist_device_info", told, ap.state, device_type="ap")


class _Expected:
    """Collects the series of one access point."""

    def __init__(self, truth: Payload) -> None:
        self.state: Payload = truth["state"]
        self.samples: Samples = {}
        self._identity = {name: truth[name] for name in ("org_id", "site_id", "mac")}

    def put(self, family: str, value: float, **labels: str) -> None:
        key = series(family, self._identity | labels)
        assert key not in self.samples, f"the oracle says it twice: {key}"
        self.samples[key] = float(value)

    def rows(self, prefix: str, rows: Iterable[Row], section: Payload, **labels: str) -> None:
        for name, path, per in rows:
            value = at(section, path)
            if value is not None:
                self.put(prefix + name, value / per, **labels)

    def states(self, family: str, known: Iterable[str], state: str | None, label: str, **labels: str) -> None:
        if state is not None:
            shown = state.lower() if state.lower() in known else "other"
            for one in known:
                self.put(family, one == shown, **labels, **{label: one})

    def info(self, family: str, paths: Mapping[str, str], section: Payload, **labels: str) -> None:
        texts = {name: at(section, path) for name, path in paths.items()}
        if any(text is not None for text in texts.values()):
            self.put(family, 1, **labels, **{name: str(text) for name, text in texts.items() if text is not None})


def at(payload: Payload, path: str) -> Any:
    """The value at a dotted path, None where there is none."""
    value: Any = payload
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value
