"""What a client's record says, as the feed of clients reads it: one tuple a message, absent kept apart from unknown."""

from __future__ import annotations

import math
from typing import NamedTuple, TypeGuard

from msgspec import UNSET

from collector.catalog.ap import BANDS
from collector.metrics.model import EPOCH_MS_FLOOR
from collector.metrics.values import number

NAN = math.nan


class _Fields(NamedTuple):
    """The fields of the record, in the order of `Said`; the strings among them."""

    texts: tuple[str, ...]
    numbers: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """All of them."""
        return self.texts + self.numbers


FIELDS = _Fields(
    ("mac", "ap_mac", "ap_id", "ssid", "band", "proto", "key_mgmt", "type", "_ttl"),
    (
        "is_guest", "dual_band", "power_saving", "last_seen", "uptime", "assoc_time",
        "rssi", "snr", "rx_rate", "tx_rate", "idle_time",
        "rx_bytes", "tx_bytes", "rx_pkts", "rx_packets", "tx_pkts", "tx_packets", "rx_retries", "tx_retries",
    ),
)  # fmt: skip


class Said(NamedTuple):
    """One message, field by field: UNSET (text) or NaN (number) is absent, None is null."""

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
        """The counters, in the order of `client.TRAFFIC`."""
        received = self.rx_pkts if measured(self.rx_pkts) else self.rx_packets
        sent = self.tx_pkts if measured(self.tx_pkts) else self.tx_packets
        return self.rx_bytes, self.tx_bytes, received, sent, self.rx_retries, self.tx_retries

    @property
    def connected_for(self) -> float:
        """Seconds since the client associated; NaN when nothing tells."""
        if measured(self.uptime):
            return self.uptime
        return moment(self.last_seen) - moment(self.assoc_time)

    @property
    def started(self) -> float:
        """When the client associated, seconds since 1970; NaN when nothing tells."""
        told = moment(self.assoc_time)
        return moment(self.last_seen) - self.connected_for if math.isnan(told) else told


def measured(value: float | None) -> TypeGuard[float]:
    """Whether it is a number: neither absent nor null."""
    return value is not None and not math.isnan(value)


def moment(value: float | None) -> float:
    """Seconds since 1970, of seconds or milliseconds; NaN for unknown, as for 0, which is never."""
    if value is None or not value:
        return NAN
    return value if value < EPOCH_MS_FLOOR else value / 1000.0


def duration(value: object) -> float:
    """Seconds of a field that may be a number or text; 0 for anything else."""
    seconds = None if value is UNSET else number(value)
    return seconds if isinstance(seconds, float) else 0.0


def keep(value: object, before: str) -> str:
    """A string as said; absent keeps what was known, null and empty are unknown."""
    if value is UNSET:
        return before
    return "" if value is None else str(value)


def flag(value: float | None, before: bool) -> bool:  # noqa: FBT001 - a pair of states
    """A yes or no as said; absent keeps what was known, null is no."""
    if value is None:
        return False
    return before if math.isnan(value) else bool(value)


def band_name(text: str) -> str:
    """The band of "24", "5", "6", also written "2.4", "5GHz", "5-dedicated"."""
    bare = text.partition("-")[0].removesuffix("GHz")
    return BANDS.get(bare, bare)
