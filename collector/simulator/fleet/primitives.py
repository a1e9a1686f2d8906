"""Building blocks of simulated objects: identifiers, payload components, traffic counters, random walks.

Identifiers are derived from the seed of a fleet: the same seed gives the same identifiers.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from random import Random

Payload = dict[str, Any]
"""A JSON object. A fleet builds a new one for every message and does not change it afterwards."""

AP_OUI, SWITCH_OUI, GATEWAY_OUI, MXEDGE_OUI = "5c5b35", "20d80b", "94f7ad", "020001"
RADIO_STEP = 0x10
"""Distance between the base addresses of two radios: a radio owns 16 BSSIDs."""

_DEVICE_STEP = 0x40
_SUFFIXES = 1 << 24
_PACKET_BYTES = 620


# Identifiers.


def uuid_of(seed: int, *names: object) -> str:
    """Return the UUID of the object with these names in the fleet of this seed."""
    digest = hashlib.blake2b(f"{seed}/{'/'.join(map(str, names))}".encode(), digest_size=16).digest()
    return str(uuid.UUID(bytes=digest, version=4))


def mac_of(seed: int, oui: str, ordinal: int) -> str:
    """Return the MAC address of a device: 12 lower-case hex digits, followed by unused addresses for its radios."""
    base = int.from_bytes(hashlib.blake2b(f"{seed}/{oui}".encode(), digest_size=2).digest()) << 8
    return f"{oui}{(base + ordinal * _DEVICE_STEP) % _SUFFIXES:06x}"


def mac_plus(mac: str, step: int) -> str:
    """Return the address `step` above `mac`."""
    return f"{int(mac, 16) + step:012x}"


def device_id(mac: str) -> str:
    """Return the id that Mist assigns to a device: a fixed prefix and the MAC address."""
    return f"00000000-0000-0000-1000-{mac}"


def serial_of(mac: str, prefix: str) -> str:
    """Return a serial number in the format of the vendor."""
    return f"{prefix}{int(mac[6:], 16):011d}"


def colons(mac: str) -> str:
    """Return `mac` in the format of LLDP: aa:bb:cc:dd:ee:ff."""
    return ":".join(mac[start : start + 2] for start in range(0, 12, 2))


# Components.


class Component(Protocol):
    """A component of a device that owns top-level keys of its payload: radios, ports, sensors, ..."""

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:
        """Advance by `dt_s` seconds to the unix time `at`.

        Returns:
            The top-level keys of the payload that this component owns. The result shares no mutable state with
            earlier results.
        """

    def restart(self) -> None:
        """Reset the counters to 0, as at power-on."""


class StaticComponent:
    """Constant sections of a payload."""

    def __init__(self, section: Payload) -> None:
        self._section = section

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Component`
        """Return the sections."""
        return self._section

    def restart(self) -> None:
        """Do nothing: the sections have no counters."""


class TrafficCounters:
    """Byte and packet counters of both directions since power-on, and the latest rates `rx_bps` and `tx_bps` (bit/s).

    `rx_bytes_s` and `tx_bytes_s` are the mean rates in bytes per second.
    """

    __slots__ = ("_rx_bytes_s", "_tx_bytes_s", "rx_bps", "rx_bytes", "rx_pkts", "tx_bps", "tx_bytes", "tx_pkts")

    def __init__(self, rx_bytes_s: float, tx_bytes_s: float) -> None:
        self._rx_bytes_s = rx_bytes_s
        self._tx_bytes_s = tx_bytes_s
        self.restart()

    def restart(self) -> None:
        """Reset counters and rates to 0."""
        self.rx_bytes = self.tx_bytes = self.rx_pkts = self.tx_pkts = self.rx_bps = self.tx_bps = 0

    def transfer(self, dt_s: float, load: float, rng: Random) -> None:
        """Count `dt_s` seconds of traffic at `load` times the mean rate, plus or minus 50 %."""
        if dt_s <= 0:
            return
        factor = load * (0.5 + rng.random())
        received, sent = int(self._rx_bytes_s * factor * dt_s), int(self._tx_bytes_s * factor * dt_s)
        self.rx_bytes += received
        self.tx_bytes += sent
        self.rx_pkts += received // _PACKET_BYTES
        self.tx_pkts += sent // _PACKET_BYTES
        self.rx_bps, self.tx_bps = int(received * 8 / dt_s), int(sent * 8 / dt_s)


def random_walk(rng: Random, value: float, low: float, high: float, step: float) -> float:
    """Return `value` after one step of a random walk of at most `step`, clamped to [low, high]."""
    moved = value + (rng.random() - 0.5) * 2.0 * step
    return low if moved < low else min(moved, high)


def random_interval_s(rng: Random, rate: float, per_s: float) -> float | None:
    """Return a random interval of a Poisson process with `rate` occurrences per `per_s` seconds; None for rate 0."""
    return rng.expovariate(rate / per_s) if rate > 0 else None
