"""BLE assets: how many there are and how they fare, and the rows of single ones that an operator may choose to see.

An asset is a tag that somebody named; it may hang on a pump or on a person. So single ones are told only when
`assets.per_asset` is set.
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
    families=(Gauge("mist_map_assets", None, "BLE assets that Mist knows on the map; without a map those it cannot place.", reads=("map_id",)),),
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
        Histogram(BATTERY_RATIO, "Charge of the batteries of assets, one observation a poll.", (0.05, 0.1, 0.2, 0.5, 0.8), ("battery_percent",)),
        Histogram(BATTERY_VOLTS, "Voltage of the batteries of assets, one observation a poll.", (2.0, 2.4, 2.6, 2.8, 3.0, 3.3), ("battery_voltage",)),
        Histogram(RSSI, "Signal strength of assets at the AP that hears them best, one observation a poll.", (-95, -90, -85, -80, -70, -60), ("rssi",)),
        Histogram(TEMPERATURE, "Temperature that assets tell, one observation a poll.", (-20, 0, 2, 8, 15, 25, 40), ("temperature",)),
        Histogram(DURATION, "How long assets were observed without a break, one observation a poll.", (60, 300, 3600, 28_800, 86_400), ("duration",)),
    ),
)  # fmt: skip

TALLIES = (ASSETS, HEALTH)

# what is observed: field, family, scale to the family's unit
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
    ttl_s=None,  # ends with the asset, see `assets.py`
    families=(
        Gauge("mist_asset_battery_ratio", "battery_percent", "Charge of the asset's battery.", PERCENT),
        Gauge("mist_asset_battery_volts", "battery_voltage", "Voltage of the asset's battery.", MILLIVOLTS),
        Gauge("mist_asset_temperature_celsius", "temperature", "Temperature that the asset tells."),
        Gauge("mist_asset_rssi_dbm", "rssi", "Signal strength of the asset at the AP that hears it best."),
        Gauge("mist_asset_observation_seconds", "duration", "How long the asset has been observed without a break."),
        timestamp("mist_asset_last_seen_timestamp_seconds", "last_seen", "When the asset was last seen."),
        *(Gauge("mist_asset_map_position_pixels", axis, "Position of the asset on its map, in pixels of the drawing.", labels={"axis": axis}) for axis in "xy"),
        Info("mist_asset_info", {"name": "name", "map_id": "map_id", "ap": "device_name", "manufacturer": "manufacture"}, "Name of the asset, its map, and the AP that hears it best."),
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
    families=(timestamp("mist_asset_zone_entered_timestamp_seconds", "since", "Since when the asset is in a zone or an RSSI zone."),),
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
        Counter("mist_asset_service_packets_total", "rx_cnt", "Times that a packet of this BLE service was received."),
        timestamp("mist_asset_service_packet_timestamp_seconds", "last_rx_time", "When a packet of this BLE service was last received."),
    ),
)  # fmt: skip

NESTED = (ASSET_ZONE, ASSET_PACKET)
NOT_EXPORTED = {"_ttl": "Plumbing of Mist's cache: how long the record is valid. The counts of assets follow it."}
