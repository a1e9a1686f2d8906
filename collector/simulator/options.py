"""How a fake cloud is set up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collector.simulator.fleet import FleetPlan

if TYPE_CHECKING:
    import ssl

MEBIBYTE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class SenderOptions:
    """How webhooks are delivered. Mist publishes none of these numbers; seconds are of the clock, not accelerated."""

    window_s: float = 1.0
    """Events of one topic are collected this long, then sent together."""
    batch_limit: int = 100
    """Most events in one delivery; more events make more deliveries."""
    timeout_s: float = 10.0
    """A receiver that has not answered by then has failed."""
    attempts: int = 6
    """How often a delivery is tried in all before it is given up as lost."""
    backoff_s: float = 1.0
    """Pause before the second try; it doubles from try to try."""
    duplicate_share: float = 0.05
    """Share (0-1) of the accepted deliveries that are sent once more, byte for byte the same."""
    concurrency: int = 8
    """Most deliveries on their way to one receiver at a time."""


@dataclass(frozen=True, kw_only=True)
class CloudOptions:
    """A fake cloud: its fleet, its addresses, its limits and its habits.

    Ports are 0 to let the system choose; the addresses are attributes of the running `FakeCloud`.
    Raises ValueError for a `speed` below 0 or a `tick_s` of 0.
    """

    plan: FleetPlan = field(default_factory=FleetPlan)
    host: str = "127.0.0.1"
    api_port: int = 0
    stream_port: int = 0
    control_port: int = 0
    tls: ssl.SSLContext | None = None
    """Serve REST and stream over TLS with this context; the control endpoint stays plain."""
    token: str = field(default="sim-token", repr=False)
    speed: float = 1.0
    """Seconds of fleet life a second of the clock; 60 lives an hour a minute, 0 lives only when told to."""
    tick_s: float = 0.1
    """How often the fleet is moved on."""

    calls_per_hour: int = 5000
    """REST calls a token may make between two full hours (mist/README section 2)."""
    max_channels: int = 2000
    """Channels of one connection; the next one is refused (mist/README section 3)."""
    nested: bool = True
    """Send `data` as a JSON string, as live streams do."""
    plain_channels: frozenset[str] = frozenset()
    """Endings of channels whose `data` is an object whatever `nested` says, such as "/insights/summary"."""
    server_ping_s: float | None = None
    """Ping the clients this often; None for never. Whether Mist does is unknown."""
    compression: str | None = None
    """Offer "deflate" (permessage-deflate) on the stream."""
    buffer_limit_bytes: int = 64 * MEBIBYTE
    """A client that reads so slowly that more than this waits for it is cut off."""

    webhook_url: str = ""
    """Receiver of one webhook for every org; empty for none."""
    webhook_secret: str = field(default="", repr=False)
    webhook_topics: tuple[str, ...] = ()
    """Topics of that webhook; empty for every topic that an org webhook may have."""
    webhook_on_sites: bool = False
    """Also make the same webhook for every site: each event arrives twice, as with a doubled configuration at Mist."""
    sender: SenderOptions = field(default_factory=SenderOptions)

    def __post_init__(self) -> None:
        if self.speed < 0:
            raise ValueError(f"speed must not be negative, it is {self.speed}")
        if self.tick_s <= 0:
            raise ValueError(f"tick_s must be more than 0 seconds, it is {self.tick_s}")
