"""Floors: how full maps and zones are, who comes and goes, how long they stay. Counted, never told by person.

`kind` is who was located: client (connected to Wi-Fi), unconnected_client, sdkclient (an app), asset (named BLE tags),
discovered_asset (all BLE heard). What Mist itself counts of zones is called `_reported_`; what is not called so is
computed here from positions and the outlines of zones. The code that does so is `collector.location`.
"""

from __future__ import annotations

from dataclasses import dataclass

from collector.catalog.objects import Object
from collector.catalog.ports import POLLED_TTL_S
from collector.metrics.model import EPOCH, Counter, Entity, Flag, Gauge, Histogram, Info, Label, timestamp
from collector.mist.identity import mac_of


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of what is located.

    name     the value of the label `kind`; the channel carries "map_<name>"
    stream   the key of the `streams.location` configuration, and the last part of the channel
    who      the field that tells one from another; `mac`: it is a MAC address
    aps      whether positions tell how many APs made them; rssi: whether they tell a signal strength
    timed    whether positions on the stream tell when they were taken
    """

    name: str
    stream: str
    who: str = "mac"
    aps: bool = False
    rssi: bool = False
    timed: bool = True

    @property
    def mac(self) -> bool:
        """Whether it is told apart by a MAC address."""
        return self.who == "mac"

    @property
    def carries(self) -> str:
        """What its channel carries."""
        return f"map_{self.name}"


KINDS = (
    Kind("client", "clients", aps=True, timed=False),
    Kind("unconnected_client", "unconnected_clients", aps=True, rssi=True),
    Kind("sdkclient", "sdkclients", who="id"),
    Kind("asset", "assets"),
    Kind("discovered_asset", "discovered_assets"),
)

# webhook topic -> kind
TOPICS = {
    "location-client": "client",
    "location-unclient": "unconnected_client",
    "location-sdk": "sdkclient",
    "location-asset": "asset",
    "location-centrak": "asset",  # Wi-Fi tags of that vendor
}

LOCATION_TYPES = {"wifi": "client", "sdk": "sdkclient", "asset": "asset"}  # of the common topic, by the event's type


def kind_of_topic(topic: str, type_: object) -> str | None:
    """Whom an event of a topic locates; None for what is not known."""
    return LOCATION_TYPES.get(str(type_)) if topic == "location" else TOPICS.get(topic)


MAP_LABELS = ("org_id", "site_id", "map_id")
ZONE_LABELS = (*MAP_LABELS, "zone_id")

# Told by REST

MAP = Entity(
    "map",
    labels=MAP_LABELS,
    ttl_s=POLLED_TTL_S,
    families=(
        Gauge("mist_map_width_meters", "width_m", "Width of the map."),
        Gauge("mist_map_height_meters", "height_m", "Height of the map."),
        Gauge("mist_map_scale", "ppm", "Pixels of the map's drawing for each meter, as Mist has it."),
        Gauge("mist_map_occupancy_limit", "occupancy_limit", "Most occupants that the map should have."),
        timestamp("mist_map_created_timestamp_seconds", "created_time", "When the map was created."),
        timestamp("mist_map_modified_timestamp_seconds", "modified_time", "When the map was last changed."),
        Info("mist_map_info", {"name": "name", "type": "type"}, "Name of the map and what sort of drawing it is."),
    ),
)
ZONE_PLAN = Entity(
    "zone_plan",
    labels=ZONE_LABELS,
    ttl_s=POLLED_TTL_S,
    families=(
        Gauge("mist_zone_occupancy_limit", "occupancy_limit", "Most occupants that the zone should have."),
        timestamp("mist_zone_created_timestamp_seconds", "created_time", "When the zone was created."),
        timestamp("mist_zone_modified_timestamp_seconds", "modified_time", "When the zone was last changed."),
        Info("mist_zone_info", {"name": "name"}, "Name of the zone.", reads=("map_id",)),
    ),
)
RSSIZONE = Entity(
    "rssizone",
    labels=("org_id", "site_id", "rssizone_id"),
    ttl_s=POLLED_TTL_S,
    families=(
        *(
            Gauge("mist_rssizone_reported_occupants", f"num_{kind.stream}", "Who is in the RSSI zone as Mist counts it.", labels={"kind": kind.name})
            for kind in KINDS
        ),
        *(
            Gauge("mist_rssizone_wait_seconds", (f"{kind.stream}_wait.{short}", f"{kind.stream}_waits.{short}"), "How long those in the RSSI zone stayed, as Mist tells it.", labels={"kind": kind.name, "statistic": statistic})
            for kind in KINDS
            for statistic, short in {"average": "avg", "max": "max", "min": "min", "p95": "p95"}.items()
        ),
        Gauge("mist_rssizone_occupancy_limit", "occupancy_limit", "Most occupants that the RSSI zone should have."),
        Flag("mist_rssizone_shown_as_group", "display_is_group", "Whether Mist shows the RSSI zone as a group."),
        timestamp("mist_rssizone_created_timestamp_seconds", "created_time", "When the RSSI zone was created."),
        timestamp("mist_rssizone_modified_timestamp_seconds", "modified_time", "When the RSSI zone was last changed."),
        Info("mist_rssizone_info", {"name": "name"}, "Name of the RSSI zone."),
    ),
)  # fmt: skip
RSSIZONE_AP = Entity(
    "rssizone_ap",
    within=RSSIZONE,
    at="devices[*]",
    key="device_id",
    labels={"mac": Label(of=lambda key, _text: mac_of(key) or key)},
    ttl_s=POLLED_TTL_S,
    families=(Gauge("mist_rssizone_ap_threshold_dbm", "rssi", "Signal strength at this AP from which on one is in the RSSI zone."),),
)  # fmt: skip

OBJECTS = (
    Object("map", (MAP,), MAP_LABELS, fields={"map_id": "id"}, identity=("map_id",), rest="map"),
    Object("zone", (ZONE_PLAN,), ZONE_LABELS, fields={"zone_id": "id"}, identity=("zone_id",), rest=("zone", "zone_definition")),
    Object("rssizone", (RSSIZONE,), ("org_id", "site_id", "rssizone_id"), nested=(RSSIZONE_AP,), fields={"rssizone_id": "id"}, identity=("rssizone_id",), rest="rssizone"),
)  # fmt: skip

# Counted here

LOCATING_APS, RSSI, AGE = "mist_map_locating_aps", "mist_map_unconnected_rssi_dbm", "mist_map_position_age_seconds"
DWELL = "mist_zone_dwell_seconds"

FLOOR = Entity(
    "floor",
    labels=MAP_LABELS,
    ttl_s=None,
    of="map",
    families=(
        Flag("mist_map_scale_known", None, "Whether the map's scale is known; without it positions in meters cannot be placed.", reads=("ppm", "width", "width_m")),
        Counter("mist_map_unscaled_positions_total", None, "Positions in meters that were left out because the map's scale is not known."),
    ),
)  # fmt: skip
FLOOR_KIND = Entity(
    "floor_kind",
    labels=(*MAP_LABELS, "kind"),
    ttl_s=None,
    of="position",
    families=(
        Gauge("mist_map_entities", None, "Who is on the map now: located, and seen within the time after which one counts as absent."),
        Counter("mist_map_positions_received_total", None, "Positions taken into account; repeated ones and such that came late are not counted."),
        Gauge("mist_map_last_position_timestamp_seconds", None, "When the latest position on the map arrived.", EPOCH),
    ),
)  # fmt: skip
FLOOR_APS = Entity(
    "floor_aps",
    labels=(*MAP_LABELS, "kind"),
    ttl_s=None,
    of="position",
    families=(Histogram(LOCATING_APS, "How many APs heard who was located; with fewer than three a position is a guess.", (0, 1, 2, 3, 4, 6, 8, 12), ("num_locating_aps",)),),
)  # fmt: skip
FLOOR_AGE = Entity(
    "floor_age",
    labels=(*MAP_LABELS, "kind"),
    ttl_s=None,
    of="position",
    families=(Histogram(AGE, "How old positions were when they arrived, as they tell themselves.", (1, 2, 5, 10, 30, 60, 120, 300, 900), ("last_seen",)),),
)  # fmt: skip
FLOOR_RSSI = Entity(
    "floor_rssi",
    labels=MAP_LABELS,
    ttl_s=None,
    of="unconnected_client",
    families=(Histogram(RSSI, "Signal strength of devices that are not connected, at the AP that told of them.", (-90, -85, -80, -75, -70, -65, -60, -50, -40), ("rssi",)),),
)  # fmt: skip
ZONE_KIND = Entity(
    "zone_kind",
    labels=(*ZONE_LABELS, "kind"),
    ttl_s=None,
    of="position",
    families=(
        Gauge("mist_zone_occupants", None, "Who is in the zone now, computed here from positions and the zone's outline."),
        Counter("mist_zone_enters_total", None, "Times that somebody came into the zone, computed here."),
        Counter("mist_zone_exits_total", None, "Times that somebody left the zone or was seen no more, computed here."),
        Histogram(DWELL, "How long those who left the zone had been in it, computed here.", (10, 30, 60, 300, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)),
    ),
)  # fmt: skip
TALLIES = (FLOOR, FLOOR_KIND, FLOOR_APS, FLOOR_AGE, FLOOR_RSSI, ZONE_KIND)

# Options

HEAT_OPTION = "location.heat_grid"
HEAT = Entity(
    "map_heat",
    labels=(*MAP_LABELS, "kind", "x", "y"),
    ttl_s=None,
    of="position",
    option=HEAT_OPTION,
    families=(Gauge("mist_map_heat_entities", None, "Who is in the square of the map whose middle lies at x and y meters from its top left corner.", reads=("x", "y")),),
)  # fmt: skip

NAMED_OPTION = "location.named_assets"
NAMED = Entity(
    "located_asset",
    labels=("org_id", "site_id", "mac"),
    ttl_s=None,
    of="position",
    option=NAMED_OPTION,
    families=(
        *(Gauge("mist_asset_position_meters", None, "Live position of a chosen asset on its map, from its top left corner.", labels={"axis": axis}) for axis in "xy"),
        Gauge("mist_asset_position_timestamp_seconds", None, "When the live position of a chosen asset was taken.", EPOCH),
    ),
)  # fmt: skip
NAMED_AT = Entity(
    "located_asset_at",
    labels=("org_id", "site_id", "mac", "map_id", "zone_id"),
    ttl_s=None,
    of="position",
    option=NAMED_OPTION,
    families=(
        Flag("mist_asset_in_zone", None, "Where a chosen asset is: on this map, and in this zone if it is in one."),
    ),
)
OPTIONAL = (HEAT, NAMED, NAMED_AT)
