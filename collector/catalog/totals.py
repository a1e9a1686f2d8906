"""What REST answers of orgs, sites, zones and third-party devices as a whole, polled minutes apart.

Counts of devices and clients here are Mist's own. A poll that fails leaves its values for one more round, then they end.
"""

from __future__ import annotations

from collector.catalog.objects import Object
from collector.catalog.ports import POLLED_TTL_S
from collector.catalog.units import MINUTES
from collector.metrics.model import BY_KEY, At, Counter, Entity, Flag, Gauge, Info, Scale, StateSet, timestamp

SLOWLY_POLLED_TTL_S = 2 * POLLED_TTL_S  # polled 600 s apart, for each costs a call

ORG = Entity(
    "org_totals",
    labels=("org_id",),
    ttl_s=POLLED_TTL_S,
    families=(
        Gauge("mist_org_sites", "num_sites", "Sites of the organization."),
        Gauge("mist_org_inventory_devices", "num_inventory", "Devices in the organization's inventory, assigned to a site or not."),
        Gauge("mist_org_devices", "num_devices", "Devices of the organization."),
        *(
            Gauge("mist_org_devices_by_state", f"num_devices_{state}", "Devices of the organization by their connection to the Mist cloud.", labels={"state": state})
            for state in ("connected", "disconnected")
        ),
        Gauge("mist_org_session_expiry_seconds", "session_expiry", "How long an administrator stays logged in."),
        Flag("mist_org_support_access_allowed", "allow_mist", "Whether Mist's support may look into the organization."),
        timestamp("mist_org_created_timestamp_seconds", "created_time", "When the organization was created."),
        timestamp("mist_org_modified_timestamp_seconds", "modified_time", "When the organization was last changed."),
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
        Gauge("mist_org_sle_good_user_seconds", "user_minutes.ok", "Time of all users together in which the service level was met.", MINUTES),
        Gauge("mist_org_sle_user_seconds", "user_minutes.total", "Time of all users together in which the service level was measured.", MINUTES),
    ),
)  # fmt: skip

_KINDS = ("ap", "switch", "gateway")

SITE = Entity(
    "site_totals",
    labels=("org_id", "site_id"),
    ttl_s=POLLED_TTL_S,
    families=(
        Gauge("mist_site_reported_clients", "num_clients", "Clients in the site as Mist counts them."),
        Gauge("mist_site_devices", "num_devices", "Devices of the site."),
        Gauge("mist_site_connected_devices", "num_devices_connected", "Devices of the site that are connected to the Mist cloud."),
        *(Gauge("mist_site_devices_by_type", f"num_{kind}", "Devices of the site by type.", labels={"device_type": kind}) for kind in _KINDS),
        *(
            Gauge("mist_site_connected_devices_by_type", f"num_{kind}_connected", "Devices of the site that are connected to the Mist cloud, by type.", labels={"device_type": kind})
            for kind in _KINDS
        ),
        Flag("mist_site_analytics_enabled", "analyticEnabled", "Whether analytics are enabled for the site."),
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
            Gauge("mist_zone_reported_occupants", f"num_{kind}s", "Who is in the zone as Mist counts it; clients are both connected and not.", labels={"kind": kind})
            for kind in _OCCUPANTS
        ),
        *(
            Gauge("mist_zone_wait_seconds", (f"{kind}s_wait.{short}", f"{kind}s_waits.{short}"), "How long those in the zone stayed, as Mist tells it.", labels={"kind": kind, "statistic": statistic})
            for kind in _OCCUPANTS
            for statistic, short in _STATISTICS.items()
        ),
    ),
)  # fmt: skip

# A modem says 0 for what it did not measure; a signal that strong does not exist.
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
        StateSet("mist_other_device_status", "status", "Whether the third-party device is online.", ("online", "offline")),
        Gauge("mist_other_device_uptime_seconds", "uptime", "Time since the third-party device started."),
        Flag("mist_other_device_lldp_enabled", "lldp_enabled", "Whether the third-party device speaks LLDP."),
        Flag("mist_other_device_statistics_cached", "cached_stats", "Whether Mist answered from the vendor's older statistics."),
        timestamp("mist_other_device_last_seen_timestamp_seconds", "last_seen", "When the third-party device was last seen."),
        timestamp("mist_other_device_last_configured_timestamp_seconds", "last_config", "When the third-party device last got a configuration."),
        Info(
            "mist_other_device_info",
            {
                "vendor": "vendor", "version": "version", "target_version": "vendor_specific.target_version",
                "config_status": "config_status",
            },
            "Vendor, firmware and state of the configuration of the third-party device.",
        ),
    ),
)  # fmt: skip

OTHER_INTERFACE = Entity(
    "other_device_interface",
    within=OTHER_DEVICE,
    # older and newer answers call the list differently, and an answer may hold several that do not agree
    at=tuple(At(path, {"section": section}) for path, section in _SECTIONS.items()),
    labels={"interface": BY_KEY},
    ttl_s=SLOWLY_POLLED_TTL_S,
    families=(
        Flag("mist_other_device_interface_up", "link", "Whether the interface has a link."),
        Counter("mist_other_device_interface_receive_bytes_total", "bytes_in", "Bytes received by the interface."),
        Counter("mist_other_device_interface_transmit_bytes_total", "bytes_out", "Bytes sent by the interface."),
        Gauge("mist_other_device_interface_mtu_bytes", "mtu", "Largest packet on the interface."),
        Gauge("mist_other_device_interface_uptime_seconds", "uptime", "Time since the interface came up."),
        Gauge("mist_other_device_interface_rssi_dbm", "rssi", "Signal strength of the modem.", SIGNAL),
        Gauge("mist_other_device_interface_rsrp_dbm", "rsrp", "Power of the cell's reference signal at the modem.", SIGNAL),
        Gauge("mist_other_device_interface_rsrq_db", "rsrq", "Quality of the cell's reference signal at the modem.", SIGNAL),
        Gauge("mist_other_device_interface_sinr_db", "sinr", "Signal to interference and noise ratio at the modem.", SIGNAL),
        Info(
            "mist_other_device_interface_info",
            {"type": "type", "mode": "mode", "state": "state", "service_mode": "service_mode", "carrier": "carrier"},
            "Sort, role, state and carrier of the interface.",
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
            "A device of Mist that is plugged into the third-party device.",
        ),
    ),
)

OBJECTS = (
    Object("org", (ORG,), ("org_id",), nested=(ORG_SLE,), fields={"org_id": "id"}, rest="org_stats"),
    Object("site", (SITE,), ("org_id", "site_id"), fields={"site_id": "id"}, identity=("site_id",), rest="site_stats"),
    Object("zone", (ZONE,), ("org_id", "site_id", "zone_id"), fields={"zone_id": "id"}, identity=("zone_id",), rest="zone"),
    Object("other_device", (OTHER_DEVICE,), DEVICE_LABELS, nested=(OTHER_INTERFACE, OTHER_NEIGHBOR), identity=("mac",), rest="other_device"),
)  # fmt: skip

_SHAPE = "The shape of the zone is configuration, not a measurement; occupancy is computed with it."
NOT_EXPORTED = {
    "zone": dict.fromkeys(("vertices[*].x", "vertices[*].y", "vertices_m[*].x", "vertices_m[*].y"), _SHAPE),
}
