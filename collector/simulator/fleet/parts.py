"""What devices are made of: parts that live on their own and say their section of a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from random import Random

    from collector.simulator.fleet.messages import Payload

_PACKET_BYTES = 620


class Part(Protocol):
    """A section of a device: radios, ports, sensors, ..."""

    def live(self, dt_s: float, at: float, rng: Random) -> Payload:
        """Live `dt_s` seconds up to the unix time `at`; return the top-level keys of a frame that this part owns.

        The answer shares nothing that changes with earlier answers.
        """

    def restart(self) -> None:
        """Start from nothing, as at power-on: counters are 0 again."""


def wander(rng: Random, value: float, low: float, high: float, step: float) -> float:
    """Return `value` after one step of a random walk of at most `step`, held within [low, high]."""
    moved = value + (rng.random() - 0.5) * 2.0 * step
    return low if moved < low else min(moved, high)


class Static:
    """Sections that never change."""

    def __init__(self, section: Payload) -> None:
        self._section = section

    def live(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Part`
        """Return the sections."""
        return self._section

    def restart(self) -> None:
        """Nothing is counted."""


class Traffic:
    """Bytes and packets both ways, counted since power-on; `rx_bps` and `tx_bps` are the rates last seen (bit/s)."""

    __slots__ = ("_rx_bytes_s", "_tx_bytes_s", "rx_bps", "rx_bytes", "rx_pkts", "tx_bps", "tx_bytes", "tx_pkts")

    def __init__(self, rx_bytes_s: float, tx_bytes_s: float) -> None:
        self._rx_bytes_s = rx_bytes_s
        self._tx_bytes_s = tx_bytes_s
        self.restart()

    def restart(self) -> None:
        """Count from 0 again."""
        self.rx_bytes = self.tx_bytes = self.rx_pkts = self.tx_pkts = self.rx_bps = self.tx_bps = 0

    def flow(self, dt_s: float, load: float, rng: Random) -> None:
        """Carry traffic for `dt_s` seconds, at `load` times the usual rate, give or take a half."""
        if dt_s <= 0:
            return
        chance = load * (0.5 + rng.random())
        received, sent = int(self._rx_bytes_s * chance * dt_s), int(self._tx_bytes_s * chance * dt_s)
        self.rx_bytes += received
        self.tx_bytes += sent
        self.rx_pkts += received // _PACKET_BYTES
        self.tx_pkts += sent // _PACKET_BYTES
        self.rx_bps, self.tx_bps = int(received * 8 / dt_s), int(sent * 8 / dt_s)
