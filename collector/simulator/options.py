"""Options of a simulated cloud."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collector.simulator.fleet import FleetPlan

if TYPE_CHECKING:
    import ssl

MEBIBYTE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class SenderOptions:
    """Options of the webhook sender. Mist documents none of these values; seconds are those of the clock."""

    window_s: float = 1.0
    """Events of one topic are collected for this time and then delivered together."""
    batch_limit: int = 100
    """Maximum number of events in one delivery."""
    timeout_s: float = 10.0
    """Timeout of a request."""
    attempts: int = 6
    """Number of attempts before the events of a delivery are lost."""
    backoff_s: float = 1.0
    """Delay before the second attempt; it doubles with every attempt."""
    duplicate_share: float = 0.05
    """Share (0-1) of the accepted deliveries that are sent once more, with an identical body."""
    concurrency: int = 8
    """Maximum number of concurrent deliveries to one receiver."""


@dataclass(frozen=True, kw_only=True)
class CloudOptions:
    """Fleet, addresses, limits and wire format of a simulated cloud.

    A port of 0 selects a free port; the addresses are attributes of the running `FakeCloud`.

    Raises:
        ValueError: For a negative `speed` or a `tick_s` of 0.
    """

    plan: FleetPlan = field(default_factory=FleetPlan)
    host: str = "127.0.0.1"
    api_port: int = 0
    stream_port: int = 0
    control_port: int = 0
    tls: ssl.SSLContext | None = None
    """TLS context of REST API and stream; the control endpoint has no TLS."""
    token: str = field(default="sim-token", repr=False)
    speed: float = 1.0
    """Seconds of simulated time per second; 0 advances the fleet only on request."""
    tick_s: float = 0.1
    """Interval at which the fleet is advanced."""

    calls_per_hour: int = 5000
    """REST calls of a token per hour of the clock (mist/README section 2)."""
    max_channels: int = 2000
    """Maximum number of channels of a connection (mist/README section 3)."""
    nested: bool = True
    """Send `data` as a JSON string, like live streams."""
    plain_channels: frozenset[str] = frozenset()
    """Suffixes of channels whose `data` is an object regardless of `nested`, e.g. "/insights/summary"."""
    server_ping_s: float | None = None
    """Interval of pings to clients; None for no pings. Whether Mist sends pings is unknown."""
    compression: str | None = None
    """Compression of the stream: "deflate" (permessage-deflate), or None."""
    buffer_limit_bytes: int = 64 * MEBIBYTE
    """Write buffer above which a slow client is disconnected."""

    webhook_url: str = ""
    """Receiver of one webhook per org; empty for none."""
    webhook_secret: str = field(default="", repr=False)
    webhook_topics: tuple[str, ...] = ()
    """Topics of that webhook; empty for all topics that a webhook of an org can have."""
    webhook_on_sites: bool = False
    """Create the same webhook also for every site, so that each event is delivered twice."""
    sender: SenderOptions = field(default_factory=SenderOptions)

    def __post_init__(self) -> None:
        if self.speed < 0:
            raise ValueError(f"speed must not be negative, got {self.speed}")
        if self.tick_s <= 0:
            raise ValueError(f"tick_s must be greater than 0, got {self.tick_s}")
