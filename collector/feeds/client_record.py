"""The fields of a client's record that `client_feed` reads; an absent field is distinct from an unknown one (null)."""

from __future__ import annotations

import math
from typing import Final, NamedTuple, TypeGuard

from msgspec import UNSET

from collector.catalog.ap import BANDS
from collector.metrics.values import number
from collector.mist.times import epoch_s

UNKNOWN: Final = math.nan

# the fields of the payload, in the order of `ClientRecord`
TEXT_FIELDS: Final = ("mac", "ap_mac", "ap_id", "ssid", "band", "proto", "key_mgmt", "type", "_ttl")
NUMBER_FIELDS: Final = (
    "is_guest", "dual_band", "power_saving", "last_seen", "uptime", "assoc_time",
    "rssi", "snr", "rx_rate", "tx_rate", "idle_time",
    "rx_bytes", "tx_bytes", "rx_pkts", "rx_packets", "tx_pkts", "tx_packets", "rx_retries", "tx_retries",
)  # fmt: skip
FIELDS: Final = TEXT_FIELDS + NUMBER_FIELDS


class ClientRecord(NamedTuple):
    """One message about a client. An absent field is UNSET (text) or NaN (number), null is None."""

    mac: object
    ap_mac: object
    ap_id: object
    ssid: object
    band: object
    protocol: object
    security: object
    type: object
    ttl: object
    guest: bool | float | None
    dual_band: bool | float | None
    power_saving: bool | float | None
    last_seen: float | None
    uptime: float | None
    assoc_time: float | None
    rssi: float | None
    snr: float | None
    rx_rate: float | None
    tx_rate: float | None
    idle: float | None
    rx_bytes: float | None
    tx_bytes: float | None
    rx_pkts: float | None
    rx_packets: float | None
    tx_pkts: float | None
    tx_packets: float | None
    rx_retries: float | None
    tx_retries: float | None

    @property
    def traffic(self) -> tuple[float | None, ...]:
        """The counters since the association, in the order of `client_tables.TRAFFIC`."""
        received = self.rx_pkts if measured(self.rx_pkts) else self.rx_packets
        sent = self.tx_pkts if measured(self.tx_pkts) else self.tx_packets
        return self.rx_bytes, self.tx_bytes, received, sent, self.rx_retries, self.tx_retries

    @property
    def associated_for_s(self) -> float:
        """The time since the association in seconds; NaN if unknown."""
        if measured(self.uptime):
            return self.uptime
        return timestamp(self.last_seen) - timestamp(self.assoc_time)

    @property
    def associated_at(self) -> float:
        """The time of the association in Unix seconds; NaN if unknown."""
        stated = timestamp(self.assoc_time)
        return timestamp(self.last_seen) - self.associated_for_s if math.isnan(stated) else stated


def measured(value: float | None) -> TypeGuard[float]:
    """Return whether the field has a number: it is neither absent nor null."""
    return value is not None and not math.isnan(value)


def timestamp(value: float | None) -> float:
    """Return a time in Unix seconds; NaN if it is absent, null or 0, which means never."""
    time = epoch_s(value)
    return UNKNOWN if time is None else time


def duration_s(value: object) -> float:
    """Return a duration that is a number or text; 0 for any other value."""
    seconds = None if value is UNSET else number(value)
    return seconds if isinstance(seconds, float) else 0.0


def text_or(value: object, before: str) -> str:
    """Return a string field; `before` if it is absent, "" if it is null."""
    if value is UNSET:
        return before
    return "" if value is None else str(value)


def flag_or(value: float | None, before: bool) -> bool:  # noqa: FBT001 - a pair of states
    """Return a boolean field; `before` if it is absent, False if it is null."""
    if value is None:
        return False
    return before if math.isnan(value) else bool(value)


def band_name(text: str) -> str:
    """Return the band as "2.4", "5" or "6"; records contain "24", "2.4", "5GHz" or "5-dedicated"."""
    bare = text.partition("-")[0].removesuffix("GHz")
    return BANDS.get(bare, bare)
