"""Client addresses: which address a request comes from, whether it may send, and how often.

`X-Forwarded-For` is read from right to left, and only as long as the hop was added by a trusted proxy. What a client
writes into the header itself is left of the first address that does not belong to a proxy, and is never reached.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from collector.listener.address import Network

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_HOPS: Final = 32  # of X-Forwarded-For
MAX_RATE_LIMITED_SOURCES: Final = 10_000
MAX_AUTHENTICATED_SOURCES: Final = 1000
AUTHENTICATED_FOR_S: Final = 3600.0  # several scrape intervals
_HOP: Final = re.compile(
    r'^"?(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<four>[0-9.]+)|(?P<bare>[0-9A-Fa-f:.]+))(?::\d{1,5})?"?$'
)
_ZONE: Final = re.compile(r"(?<=[0-9A-Fa-f:])%[0-9A-Za-z_.-]{1,32}(?=\]|$)")
_IPV6_SITE_BITS: Final = 64  # one customer controls all addresses of a /64 network


@lru_cache(maxsize=4096)
def address_of(text: str) -> Address | None:
    """Parse an address as `getpeername` or a proxy writes it, with or without a port.

    The zone of a link-local address (`fe80::1%eth0`) is ignored. An IPv4-mapped IPv6 address is the IPv4 address.

    Returns:
        None when the text is not an address.
    """
    found = _HOP.match(_ZONE.sub("", text.strip(), count=1))
    if found is None:
        return None
    try:
        address = ipaddress.ip_address(found["six"] or found["four"] or found["bare"])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)  # an IPv4 client of a dual-stack socket
    return mapped or address


def source_of(address: Address | None) -> str:
    """Return what limits count as one source: an IPv4 address, an IPv6 /64 network, or "" without an address."""
    if address is None:
        return ""
    if address.version == 6:  # noqa: PLR2004 - IPv6
        network = int(address) >> (128 - _IPV6_SITE_BITS) << (128 - _IPV6_SITE_BITS)
        return f"{ipaddress.IPv6Address(network)}/{_IPV6_SITE_BITS}"
    return str(address)


class ClientAddressPolicy:
    """Determines the client address and whether it may send.

    Args:
        allowed: networks that may send; empty allows all.
        proxies: reverse proxies whose X-Forwarded-For is trusted.
    """

    def __init__(self, allowed: Sequence[Network] = (), proxies: Sequence[Network] = ()) -> None:
        self._allowed = tuple(allowed)
        self._proxies = tuple(proxies)

    def is_proxy(self, peer: str) -> bool:
        """Return whether the peer is a trusted proxy."""
        return bool(self._proxies) and _is_within(address_of(peer), self._proxies)

    def client(self, peer: str, forwarded: Sequence[str]) -> Address | None:
        """Return the client address of a request.

        A hop that cannot be parsed ends the search: the client is then the proxy that added it.

        Args:
            peer: address of the TCP peer.
            forwarded: the X-Forwarded-For headers in their order.

        Returns:
            The peer, unless it is a trusted proxy. None when the peer has no address (a Unix socket).
        """
        client = address_of(peer)
        if not forwarded or not self.is_proxy(peer):
            return client
        for hop in reversed(",".join(forwarded).rsplit(",", MAX_HOPS)[-MAX_HOPS:]):
            address = address_of(hop)
            if address is None:
                return client
            client = address
            if not _is_within(client, self._proxies):
                return client
        return client

    def allows(self, client: Address | None) -> bool:
        """Return whether the client may send."""
        return not self._allowed or _is_within(client, self._allowed)


class RateLimiter:
    """Token bucket for each source.

    At most `MAX_RATE_LIMITED_SOURCES` are remembered; beyond that the least recently used is forgotten.

    Args:
        per_s: requests a second that one source may make on average.
        burst: requests that it may make at once.
    """

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._buckets: dict[str, tuple[float, float]] = {}  # tokens and when; least recently used first

    def __len__(self) -> int:
        return len(self._buckets)

    def wait_s(self, source: str, now: float) -> float:
        """Take one token of `source` (see `source_of`) at monotonic `now`.

        Returns:
            0 when the request is allowed, otherwise the seconds until the next one is.
        """
        tokens, since = self._buckets.pop(source, (self._burst, now))
        tokens = min(self._burst, tokens + (now - since) * self._per_s)
        allowed = tokens >= 1.0
        self._buckets[source] = (tokens - 1.0 if allowed else tokens, now)
        if len(self._buckets) > MAX_RATE_LIMITED_SOURCES:
            del self._buckets[next(iter(self._buckets))]
        return 0.0 if allowed else (1.0 - tokens) / self._per_s


class AuthenticatedSources:
    """Sources that authenticated within the last hour: limits keep a reserve for them.

    At most `MAX_AUTHENTICATED_SOURCES` are remembered, the most recent ones. `now` is a monotonic clock.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._last_at: dict[str, float] = {}  # least recent first

    def add(self, source: str) -> None:
        """Note that `source` authenticated now."""
        self._last_at.pop(source, None)
        self._last_at[source] = self._now()
        if len(self._last_at) > MAX_AUTHENTICATED_SOURCES:
            del self._last_at[next(iter(self._last_at))]

    def __contains__(self, source: str) -> bool:
        last = self._last_at.get(source)
        return last is not None and self._now() - last <= AUTHENTICATED_FOR_S


def _is_within(address: Address | None, networks: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in networks)
