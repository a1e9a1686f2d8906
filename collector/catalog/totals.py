"""Tables of REST statistics of orgs, sites, zones and third-party devices.

Device and client counts are those reported by Mist. After a failed poll, series persist for one more period, then end.
"""

from __future__ import annotations

from collector.catalog.objects import Object
from collector.catalog.ports import POLLED_TTL_S
from collector.catalog.units import MINUTES
from collector.metrics.model import BY_KEY, At, Counter, Entity, Flag, Gauge, Info, Scale, StateSet, timestamp

SLOWLY_POLLED_TTL_S = 2 * POLLED_TTL_S  # polled every 600 s, because each object requires a call

ORG = Entity(
    "org_totals",
    labels=("org_id",),
    ttl_s=POLLED_TTL_S,
    families=(
        Gauge("mist_org_sites", "num_sites", "Number of sites of the organization."),
        Gauge("mist_org_inventory_devices", "num_inventory", "Number of devices in the inventory of the organization, assigned to a site or not."),
        Gauge("mist_org_devices", "num_devices", "Number of devices of the organization."),
        *(
            Gauge("mist_org_devices_by_state", f"num_devices_{state}", "Number of devices of the organization, by state (connected, disconnected).", labels={"state": state})
            for state in ("connected", "disconnected")
        ),
        Gauge("mist_org_session_expiry_seconds", "session_expiry", "Session lifetime of administrators of the organization."),
        Flag("mist_org_support_access_allowed", "allow_mist", "Whether access by Mist support to the organization is allowed."),
        timestamp("mist_org_created_timestamp_seconds", "created_time", "Time when the organization was created, in seconds since the epoch."),
        timestamp("mist_org_modified_timestamp_seconds", "modified_time", "Time of the last modification of the organization, in seconds since the epoch."),
    ),
)  # fmt: skip

ORG_SLE = Entity(
    "org_sle",
    within=ORG,
    at="sle[*]",
    key="path",
    labels={"sle": BY_KEY},
    ttl_s=POLLED_TTL_S,
    families=(
        Gauge("mist_org_sle_good_user_seconds", "user_minutes.ok", "User time that met the SLE target, summed over all users.", MINUTES),
        Gauge("mist_org_sle_user_seconds", "user_minutes.total", "Total user time measured for the SLE, summed over all users.", MINUTES),
    ),
)  # fmt: skip

_KINDS = ("ap", "switch", "gateway")

SITE = Entity(
    "site_totals",
    labels=("org_id", "site_id"),
    ttl_s=POLLED_TTL_S,
    families=(
        Gauge("mist_site_reported_clients", "num_clients", "Number of clients of the site as reported by Mist."),
        Gauge("mist_site_devices", "num_devices", "Number of devices of the site."),
        Gauge("mist_site_connected_devices", "num_devices_connected", "Number of devices of the site that are connected to the Mist cloud."),
        *(Gauge("mist_site_devices_by_type", f"num_{kind}", "Number of devices of the site, by device type.", labels={"device_type": kind}) for kind in _KINDS),
        *(
            Gauge("mist_site_connected_devices_by_type", f"num_{kind}_connected", "Number of devices of the site that are connected to the Mist cloud, by device type.", labels={"device_type": kind})
            for kind in _KINDS
        ),
        Flag("mist_site_analytics_enabled", "analyticEnabled", "Whether analytics features are enabled for the site."),
        Flag("mist_site_engagement_enabled", "engagementEnabled", "Whether engagement features are enabled for the site."),
        Gauge("mist_site_latitude_degrees", ("latlng.lat", "lat"), "Latitude of the site, positive to the north."),
        Gauge("mist_site_longitude_degrees", ("latlng.lng", "lng"), "Longitude of the site, positive to the east."),
    ),
)  # fmt: skip

_OCCUPANTS = ("client", "sdkclient", "asset", "discovered_asset", "unconnected_client")
_STATISTICS = {"average": "avg", "max": "max", "min": "min", "p95": "p95"}

ZONE = Entity(
    "zone",
    labels=("org_id", "site_id", "zone_id"),
    ttl_s=POLLED_TTL_S,
    families=(
        *(
            Gauge("mist_zone_reported_occupants", f"num_{kind}s", "Number of occupants of the zone as reported by Mist, by kind; clients include connected and unconnected Wi-Fi clients.", labels={"kind": kind})
            for kind in _OCCUPANTS
        ),
        *(
            Gauge("mist_zone_wait_seconds", (f"{kind}s_wait.{short}", f"{kind}s_waits.{short}"), "Wait time (dwell) in the zone as reported by Mist, by kind and statistic.", labels={"kind": kind, "statistic": statistic})
            for kind in _OCCUPANTS
            for statistic, short in _STATISTICS.items()
        ),
    ),
)  # fmt: skip

# A modem reports 0 for a value that it did not measure; 0 is not a valid signal level.
SIGNAL = Scale(zero_is_hole=True)
_SECTIONS = {
    "interfaces.{interface}": "interfaces",
    "vendor_specific.interfaces.{interface}": "vendor_interfaces",
    "vendor_specific.ports.{interface}": "vendor_ports",
}
DEVICE_LABELS = ("org_id", "site_id", "mac")

OTHER_DEVICE = Entity(
    "other_device",
    labels=DEVICE_LABELS,
    ttl_s=SLOWLY_POLLED_TTL_S,
    families=(
        StateSet("mist_other_device_status", "status", "Connection status of the third-party device (1 for the current status).", ("online", "offline")),
        Gauge("mist_other_device_uptime_seconds", "uptime", "Time since the third-party device started."),
        Flag("mist_other_device_lldp_enabled", "lldp_enabled", "Whether LLDP is enabled on the third-party device."),
        Flag("mist_other_device_statistics_cached", "cached_stats", "Whether the statistics of the third-party device were served from the vendor cache."),
        timestamp("mist_other_device_last_seen_timestamp_seconds", "last_seen", "Time when the third-party device was last seen, in seconds since the epoch."),
        timestamp("mist_other_device_last_configured_timestamp_seconds", "last_config", "Time of the last configuration update of the third-party device, in seconds since the epoch."),
        Info(
            "mist_other_device_info",
            {
                "vendor": "vendor", "version": "version", "target_version": "vendor_specific.target_version",
                "config_status": "config_status",
            },
            "Information about the third-party device: vendor, version, target version and configuration status.",
        ),
    ),
)  # fmt: skip

OTHER_INTERFACE = Entity(
    "other_device_interface",
    within=OTHER_DEVICE,
    # the key depends on the API version, and an answer may contain several keys with different values
    at=tuple(At(path, {"section": section}) for path, section in _SECTIONS.items()),
    labels={"interface": BY_KEY},
    ttl_s=SLOWLY_POLLED_TTL_S,
    families=(
        Flag("mist_other_device_interface_up", "link", "Whether the link of the interface of the third-party device is up."),
        Counter("mist_other_device_interface_receive_bytes_total", "bytes_in", "Total number of bytes received on the interface of the third-party device."),
        Counter("mist_other_device_interface_transmit_bytes_total", "bytes_out", "Total number of bytes transmitted on the interface of the third-party device."),
        Gauge("mist_other_device_interface_mtu_bytes", "mtu", "MTU of the interface of the third-party device."),
        Gauge("mist_other_device_interface_uptime_seconds", "uptime", "Time since the interface of the third-party device came up."),
        Gauge("mist_other_device_interface_rssi_dbm", "rssi", "RSSI of the cellular interface.", SIGNAL),
        Gauge("mist_other_device_interface_rsrp_dbm", "rsrp", "Reference signal received power (RSRP) of the cellular interface.", SIGNAL),
        Gauge("mist_other_device_interface_rsrq_db", "rsrq", "Reference signal received quality (RSRQ) of the cellular interface.", SIGNAL),
        Gauge("mist_other_device_interface_sinr_db", "sinr", "Signal-to-interference-plus-noise ratio (SINR) of the cellular interface.", SIGNAL),
        Info(
            "mist_other_device_interface_info",
            {"type": "type", "mode": "mode", "state": "state", "service_mode": "service_mode", "carrier": "carrier"},
            "Information about the interface of the third-party device: type, mode, state, service mode and carrier.",
        ),
    ),
)  # fmt: skip

OTHER_NEIGHBOR = Entity(
    "other_device_neighbor",
    within=OTHER_DEVICE,
    at="connected_devices.{device}",
    labels={"neighbor": BY_KEY},
    ttl_s=SLOWLY_POLLED_TTL_S,
    families=(
        Info(
            "mist_other_device_neighbor_info",
            {"neighbor_name": "name", "neighbor_type": "type", "neighbor_port": "port_id"},
            "Information about a Mist device connected to the third-party device: name, type and port.",
        ),
    ),
)

OBJECTS = (
    Object("org", (ORG,), ("org_id",), nested=(ORG_SLE,), fields={"org_id": "id"}, rest="org_stats"),
    Object("site", (SITE,), ("org_id", "site_id"), fields={"site_id": "id"}, identity=("site_id",), rest="site_stats"),
    Object("zone", (ZONE,), ("org_id", "site_id", "zone_id"), fields={"zone_id": "id"}, identity=("zone_id",), rest="zone"),
    Object("other_device", (OTHER_DEVICE,), DEVICE_LABELS, nested=(OTHER_INTERFACE, OTHER_NEIGHBOR), identity=("mac",), rest="other_device"),
)  # fmt: skip

_SHAPE = "Outline of the zone: configuration, not a measurement; used to compute the occupancy."
NOT_EXPORTED = {
    "zone": dict.fromkeys(("vertices[*].x", "vertices[*].y", "vertices_m[*].x", "vertices_m[*].y"), _SHAPE),
}
