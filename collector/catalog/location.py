"""Tables of maps, zones and RSSI zones: occupancy, entries, exits and dwell times, as counts without identities.

The label `kind` is the kind of the located client or asset: client (connected to Wi-Fi), unconnected_client, sdkclient
(an app), asset (named BLE tags) or discovered_asset (all BLE devices received). Values computed by Mist have `reported`
or `wait` in their name; all other values are computed by `collector.location` from positions and zone outlines.
"""

from __future__ import annotations

from dataclasses import dataclass

from collector.catalog.objects import Object
from collector.catalog.ports import POLLED_TTL_S
from collector.metrics.model import EPOCH, Counter, Entity, Flag, Gauge, Histogram, Info, Label, timestamp
from collector.mist.identity import mac_of


@dataclass(frozen=True, slots=True)
class LocatedKind:
    """One kind of located client or asset.

    name      value of the label `kind`; its channel carries "map_<name>"
    stream    key of the `streams.location` configuration, and the last part of the channel
    id_field  field with the identity, a MAC address if it is "mac"
    has_aps   whether positions contain the number of locating APs
    has_rssi  whether positions contain an RSSI
    has_time  whether positions on the stream contain their time
    """

    name: str
    stream: str
    id_field: str = "mac"
    has_aps: bool = False
    has_rssi: bool = False
    has_time: bool = True

    @property
    def has_mac(self) -> bool:
        """Return whether the identity is a MAC address."""
        return self.id_field == "mac"

    @property
    def carries(self) -> str:
        """Return what the channel of this kind carries."""
        return f"map_{self.name}"


KINDS = (
    LocatedKind("client", "clients", has_aps=True, has_time=False),
    LocatedKind("unconnected_client", "unconnected_clients", has_aps=True, has_rssi=True),
    LocatedKind("sdkclient", "sdkclients", id_field="id"),
    LocatedKind("asset", "assets"),
    LocatedKind("discovered_asset", "discovered_assets"),
)

# webhook topic -> kind
TOPICS = {
    "location-client": "client",
    "location-unclient": "unconnected_client",
    "location-sdk": "sdkclient",
    "location-asset": "asset",
    "location-centrak": "asset",  # Wi-Fi tags of the vendor CenTrak
}

LOCATION_TYPES = {"wifi": "client", "sdk": "sdkclient", "asset": "asset"}  # topic "location": event type -> kind


def kind_of_topic(topic: str, type_: object) -> str | None:
    """Return the kind that an event of a topic locates, or None for an unknown topic or type."""
    return LOCATION_TYPES.get(str(type_)) if topic == "location" else TOPICS.get(topic)


MAP_LABELS = ("org_id", "site_id", "map_id")
ZONE_LABELS = (*MAP_LABELS, "zone_id")

# Reported by REST

MAP = Entity(
    "map",
    labels=MAP_LABELS,
    ttl_s=POLLED_TTL_S,
    families=(
        Gauge("mist_map_width_meters", "width_m", "Width of the map."),
        Gauge("mist_map_height_meters", "height_m", "Height of the map."),
        Gauge("mist_map_scale", "ppm", "Scale of the map in pixels per meter."),
        Gauge("mist_map_occupancy_limit", "occupancy_limit", "Occupancy limit of the map, in occupants."),
        timestamp(
            "mist_map_created_timestamp_seconds",
            "created_time",
            "Time when the map was created, in seconds since the epoch.",
        ),
        timestamp(
            "mist_map_modified_timestamp_seconds",
            "modified_time",
            "Time of the last modification of the map, in seconds since the epoch.",
        ),
        Info("mist_map_info", {"name": "name", "type": "type"}, "Information about the map: name and type."),
    ),
)
ZONE_PLAN = Entity(
    "zone_plan",
    labels=ZONE_LABELS,
    ttl_s=POLLED_TTL_S,
    families=(
        Gauge("mist_zone_occupancy_limit", "occupancy_limit", "Occupancy limit of the zone, in occupants."),
        timestamp(
            "mist_zone_created_timestamp_seconds",
            "created_time",
            "Time when the zone was created, in seconds since the epoch.",
        ),
        timestamp(
            "mist_zone_modified_timestamp_seconds",
            "modified_time",
            "Time of the last modification of the zone, in seconds since the epoch.",
        ),
        Info("mist_zone_info", {"name": "name"}, "Information about the zone: name.", reads=("map_id",)),
    ),
)
RSSIZONE = Entity(
    "rssizone",
    labels=("org_id", "site_id", "rssizone_id"),
    ttl_s=POLLED_TTL_S,
    families=(
        *(
            Gauge("mist_rssizone_reported_occupants", f"num_{kind.stream}", "Number of occupants of the RSSI zone as reported by Mist, by kind.", labels={"kind": kind.name})
            for kind in KINDS
        ),
        *(
            Gauge("mist_rssizone_wait_seconds", (f"{kind.stream}_wait.{short}", f"{kind.stream}_waits.{short}"), "Wait time (dwell) in the RSSI zone as reported by Mist, by kind and statistic.", labels={"kind": kind.name, "statistic": statistic})
            for kind in KINDS
            for statistic, short in {"average": "avg", "max": "max", "min": "min", "p95": "p95"}.items()
        ),
        Gauge("mist_rssizone_occupancy_limit", "occupancy_limit", "Occupancy limit of the RSSI zone, in occupants."),
        Flag("mist_rssizone_shown_as_group", "display_is_group", "Whether Mist displays the RSSI zone as a group."),
        timestamp("mist_rssizone_created_timestamp_seconds", "created_time", "Time when the RSSI zone was created, in seconds since the epoch."),
        timestamp("mist_rssizone_modified_timestamp_seconds", "modified_time", "Time of the last modification of the RSSI zone, in seconds since the epoch."),
        Info("mist_rssizone_info", {"name": "name"}, "Information about the RSSI zone: name."),
    ),
)  # fmt: skip
RSSIZONE_AP = Entity(
    "rssizone_ap",
    within=RSSIZONE,
    at="devices[*]",
    key="device_id",
    labels={"mac": Label(of=lambda key, _text: mac_of(key) or key)},
    ttl_s=POLLED_TTL_S,
    families=(Gauge("mist_rssizone_ap_threshold_dbm", "rssi", "Minimum RSSI at the AP for a client or asset to be inside the RSSI zone."),),
)  # fmt: skip

OBJECTS = (
    Object("map", (MAP,), MAP_LABELS, fields={"map_id": "id"}, identity=("map_id",), rest="map"),
    Object("zone", (ZONE_PLAN,), ZONE_LABELS, fields={"zone_id": "id"}, identity=("zone_id",), rest=("zone", "zone_definition")),
    Object("rssizone", (RSSIZONE,), ("org_id", "site_id", "rssizone_id"), nested=(RSSIZONE_AP,), fields={"rssizone_id": "id"}, identity=("rssizone_id",), rest="rssizone"),
)  # fmt: skip

# Computed by the collector

LOCATING_APS, RSSI, AGE = "mist_map_locating_aps", "mist_map_unconnected_rssi_dbm", "mist_map_position_age_seconds"
DWELL = "mist_zone_dwell_seconds"

FLOOR = Entity(
    "floor",
    labels=MAP_LABELS,
    ttl_s=None,
    of="map",
    families=(
        Flag("mist_map_scale_known", None, "Whether the scale of the map is known; positions in meters require it.", reads=("ppm", "width", "width_m")),
        Counter("mist_map_unscaled_positions_total", None, "Total number of positions in meters that were dropped because the scale of the map is unknown."),
    ),
)  # fmt: skip
FLOOR_KIND = Entity(
    "floor_kind",
    labels=(*MAP_LABELS, "kind"),
    ttl_s=None,
    of="position",
    families=(
        Gauge("mist_map_entities", None, "Number of clients or assets currently located on the map, by kind."),
        Counter("mist_map_positions_received_total", None, "Total number of positions applied to the map, without duplicate and late ones."),
        Gauge("mist_map_last_position_timestamp_seconds", None, "Time when the last position on the map was received, in seconds since the epoch.", EPOCH),
    ),
)  # fmt: skip
FLOOR_APS = Entity(
    "floor_aps",
    labels=(*MAP_LABELS, "kind"),
    ttl_s=None,
    of="position",
    families=(Histogram(LOCATING_APS, "Number of APs used to locate a client, one observation per position; fewer than three give a low accuracy.", (0, 1, 2, 3, 4, 6, 8, 12), ("num_locating_aps",)),),
)  # fmt: skip
FLOOR_AGE = Entity(
    "floor_age",
    labels=(*MAP_LABELS, "kind"),
    ttl_s=None,
    of="position",
    families=(Histogram(AGE, "Age of positions on arrival, computed from their timestamp.", (1, 2, 5, 10, 30, 60, 120, 300, 900), ("last_seen",)),),
)  # fmt: skip
FLOOR_RSSI = Entity(
    "floor_rssi",
    labels=MAP_LABELS,
    ttl_s=None,
    of="unconnected_client",
    families=(Histogram(RSSI, "RSSI of unconnected Wi-Fi clients at the reporting AP, one observation per position.", (-90, -85, -80, -75, -70, -65, -60, -50, -40), ("rssi",)),),
)  # fmt: skip
ZONE_KIND = Entity(
    "zone_kind",
    labels=(*ZONE_LABELS, "kind"),
    ttl_s=None,
    of="position",
    families=(
        Gauge("mist_zone_occupants", None, "Number of occupants currently in the zone, computed by the collector from positions and the outline of the zone."),
        Counter("mist_zone_enters_total", None, "Total number of entries into the zone, computed by the collector."),
        Counter("mist_zone_exits_total", None, "Total number of exits from the zone, including occupants that are no longer seen, computed by the collector."),
        Histogram(DWELL, "Dwell time in the zone, observed at each exit, computed by the collector.", (10, 30, 60, 300, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)),
    ),
)  # fmt: skip
AGGREGATES = (FLOOR, FLOOR_KIND, FLOOR_APS, FLOOR_AGE, FLOOR_RSSI, ZONE_KIND)

# Options

HEAT_OPTION = "location.heat_grid"
HEAT = Entity(
    "map_heat",
    labels=(*MAP_LABELS, "kind", "x", "y"),
    ttl_s=None,
    of="position",
    option=HEAT_OPTION,
    families=(Gauge("mist_map_heat_entities", None, "Number of clients or assets in the grid cell of the map centered at x and y, in meters from the top left corner.", reads=("x", "y")),),
)  # fmt: skip

NAMED_OPTION = "location.named_assets"
NAMED = Entity(
    "located_asset",
    labels=("org_id", "site_id", "mac"),
    ttl_s=None,
    of="position",
    option=NAMED_OPTION,
    families=(
        *(Gauge("mist_asset_position_meters", None, "Live position of an asset of location.named_assets on its map, from the top left corner, by axis.", labels={"axis": axis}) for axis in "xy"),
        Gauge("mist_asset_position_timestamp_seconds", None, "Time of the live position of an asset of location.named_assets, in seconds since the epoch.", EPOCH),
    ),
)  # fmt: skip
NAMED_AT = Entity(
    "located_asset_at",
    labels=("org_id", "site_id", "mac", "map_id", "zone_id"),
    ttl_s=None,
    of="position",
    option=NAMED_OPTION,
    families=(
        Flag(
            "mist_asset_in_zone",
            None,
            "Whether an asset of location.named_assets is on the map and, if zone_id is set, in the zone.",
        ),
    ),
)
OPTIONAL = (HEAT, NAMED, NAMED_AT)
