"""Tables of BLE assets: aggregates by site and map, and optional rows per asset.

An asset is a named BLE tag. It may be attached to a person, therefore rows per asset exist only if `assets.per_asset`
is set.
"""

from __future__ import annotations

from collector.catalog.ports import POLLED_TTL_S
from collector.metrics.model import BY_KEY, PERCENT, At, Counter, Entity, Gauge, Histogram, Info, Scale, timestamp

OBJECT = "asset"
OPTION = "assets.per_asset"
MILLIVOLTS = Scale(per=1000.0)
TTL_S = POLLED_TTL_S

ASSETS = Entity(
    "map_assets",
    of=OBJECT,
    labels=("org_id", "site_id", "map_id"),
    ttl_s=None,
    families=(Gauge("mist_map_assets", None, "Number of BLE assets on the map, as reported by Mist; map_id is empty for assets without a map.", reads=("map_id",)),),
)  # fmt: skip

BATTERY_RATIO, BATTERY_VOLTS = "mist_site_asset_battery_ratio", "mist_site_asset_battery_volts"
RSSI, TEMPERATURE = "mist_site_asset_rssi_dbm", "mist_site_asset_temperature_celsius"
DURATION = "mist_site_asset_observation_seconds"

HEALTH = Entity(
    "site_assets",
    of=OBJECT,
    labels=("org_id", "site_id"),
    ttl_s=None,
    families=(
        Histogram(BATTERY_RATIO, "Battery level of BLE assets, one observation per asset and poll.", (0.05, 0.1, 0.2, 0.5, 0.8), ("battery_percent",)),
        Histogram(BATTERY_VOLTS, "Battery voltage of BLE assets, one observation per asset and poll.", (2.0, 2.4, 2.6, 2.8, 3.0, 3.3), ("battery_voltage",)),
        Histogram(RSSI, "RSSI of BLE assets at the AP with the strongest signal, one observation per asset and poll.", (-95, -90, -85, -80, -70, -60), ("rssi",)),
        Histogram(TEMPERATURE, "Temperature reported by BLE assets, one observation per asset and poll.", (-20, 0, 2, 8, 15, 25, 40), ("temperature",)),
        Histogram(DURATION, "Duration of the current observation of BLE assets, one observation per asset and poll.", (60, 300, 3600, 28_800, 86_400), ("duration",)),
    ),
)  # fmt: skip

AGGREGATES = (ASSETS, HEALTH)

# observations of the histograms: (field, family, scale to the unit of the family)
OBSERVED = (
    ("battery_percent", BATTERY_RATIO, PERCENT),
    ("battery_voltage", BATTERY_VOLTS, MILLIVOLTS),
    ("rssi", RSSI, Scale()),
    ("temperature", TEMPERATURE, Scale()),
    ("duration", DURATION, Scale()),
)

ASSET = Entity(
    "asset",
    option=OPTION,
    labels=("org_id", "site_id", "mac"),
    ttl_s=None,  # ends with the asset record, see `asset_feed.py`
    families=(
        Gauge("mist_asset_battery_ratio", "battery_percent", "Battery level of the BLE asset.", PERCENT),
        Gauge("mist_asset_battery_volts", "battery_voltage", "Battery voltage of the BLE asset.", MILLIVOLTS),
        Gauge("mist_asset_temperature_celsius", "temperature", "Temperature reported by the BLE asset."),
        Gauge("mist_asset_rssi_dbm", "rssi", "RSSI of the BLE asset at the AP with the strongest signal."),
        Gauge("mist_asset_observation_seconds", "duration", "Duration of the current observation of the BLE asset."),
        timestamp("mist_asset_last_seen_timestamp_seconds", "last_seen", "Time when the BLE asset was last seen, in seconds since the epoch."),
        *(Gauge("mist_asset_map_position_pixels", axis, "Position of the BLE asset on its map in pixels of the map image, by axis.", labels={"axis": axis}) for axis in "xy"),
        Info("mist_asset_info", {"name": "name", "map_id": "map_id", "ap": "device_name", "manufacturer": "manufacture"}, "Information about the BLE asset: name, map, manufacturer, and the AP with the strongest signal."),
    ),
)  # fmt: skip

ASSET_ZONE = Entity(
    "asset_zone",
    option=OPTION,
    within=ASSET,
    at=tuple(At(f"{kind}s[*]", {"kind": kind}) for kind in ("zone", "rssizone")),
    key="id",
    labels={"zone_id": BY_KEY},
    ttl_s=TTL_S,
    families=(timestamp("mist_asset_zone_entered_timestamp_seconds", "since", "Time when the BLE asset entered the zone or RSSI zone, in seconds since the epoch."),),
)  # fmt: skip

ASSET_PACKET = Entity(
    "asset_packet",
    option=OPTION,
    within=ASSET,
    at="service_packets[*]",
    key="uuid",
    labels={"service": BY_KEY},
    ttl_s=TTL_S,
    families=(
        Counter("mist_asset_service_packets_total", "rx_cnt", "Total number of packets of the BLE service received from the asset."),
        timestamp("mist_asset_service_packet_timestamp_seconds", "last_rx_time", "Time of the last packet of the BLE service received from the asset, in seconds since the epoch."),
    ),
)  # fmt: skip

NESTED = (ASSET_ZONE, ASSET_PACKET)
NOT_EXPORTED = {"_ttl": "Validity of the record in the cache of Mist, not a measurement; asset counts expire by it."}
