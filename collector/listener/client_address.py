"""Who sends: the address behind trusted proxies, whether it may send at all, and how often.

`X-Forwarded-For` is believed from right to left, and only as far as each hop was written down by a trusted proxy: what
a sender puts there itself stands left of the first address that is not a proxy's, and is never reached.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.listener.address import Network

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MOST_HOPS: Final = 32  # of a forwarded-for list that are looked at
MOST_SOURCES: Final = 10_000  # whose rate is remembered at once
_HOP: Final = re.compile(
    r'^"?(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<four>[0-9.]+)|(?P<bare>[0-9A-Fa-f:.]+))(?::\d{1,5})?"?$'
)
_ZONE: Final = re.compile(r"(?<=[0-9A-Fa-f:])%[0-9A-Za-z_.-]{1,32}(?=\]|$)")
_NETWORK_OF_A_SITE: Final = 64  # bits: whoever has one address of an IPv6 network has all of them


@lru_cache(maxsize=4096)
def address_of(text: str) -> Address | None:
    """Read an address as a peer's name or a proxy gives it, with or without a port; None when it is none.

    The zone of a link-local address (`fe80::1%eth0`) names an interface of this machine and is left out.
    """
    found = _HOP.match(_ZONE.sub("", text.strip(), count=1))
    if found is None:
        return None
    try:
        address = ipaddress.ip_address(found["six"] or found["four"] or found["bare"])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)  # an IPv4 peer of a socket that speaks both
    return mapped or address


class ClientAddressPolicy:
    """Which sources may send, and which are proxies. Without `allowed` networks everybody may."""

    def __init__(self, allowed: Sequence[Network] = (), proxies: Sequence[Network] = ()) -> None:
        self._allowed = tuple(allowed)
        self._proxies = tuple(proxies)

    def is_proxy(self, peer: str) -> bool:
        """Whether the peer is a trusted proxy."""
        return bool(self._proxies) and _within(address_of(peer), self._proxies)

    def source(self, peer: str, forwarded: Sequence[str]) -> Address | None:
        """The address that a request comes from; `forwarded` are its X-Forwarded-For headers in their order.

        The peer itself, unless that is a trusted proxy. A hop that cannot be read ends the search at the proxy that
        wrote it down. None when the peer has no address (a socket of this machine).
        """
        at = address_of(peer)
        if not forwarded or not self.is_proxy(peer):
            return at
        hops = ",".join(forwarded).rsplit(",", MOST_HOPS)[-MOST_HOPS:]
        for hop in reversed(hops):
            before = address_of(hop)
            if before is None:
                return at
            at = before
            if not _within(at, self._proxies):
                return at
        return at

    def allows(self, source: Address | None) -> bool:
        """Whether the source may send."""
        return not self._allowed or _within(source, self._allowed)


class RateLimiter:
    """So many requests a second from each source, and `burst` at once (a token bucket a source).

    At most `MOST_SOURCES` are remembered; beyond that the one that was silent longest is forgotten.
    """

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._left: dict[int, tuple[float, float]] = {}  # requests left, and when; the longest silent first

    def __len__(self) -> int:
        return len(self._left)

    def wait_s(self, source: Address | None, now: float) -> float:
        """Take one request of the source; 0 when it may pass, else the seconds until one may."""
        key = _key(source)
        left, since = self._left.pop(key, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._per_s)
        passes = left >= 1.0
        self._left[key] = (left - 1.0 if passes else left, now)
        if len(self._left) > MOST_SOURCES:
            del self._left[next(iter(self._left))]
        return 0.0 if passes else (1.0 - left) / self._per_s


def _within(address: Address | None, networks: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in networks)


def _key(source: Address | None) -> int:
    if source is None:
        return -1
    if source.version == 6:  # noqa: PLR2004 - IPv6
        return (int(source) >> (128 - _NETWORK_OF_A_SITE)) + (1 << 40)  # apart from every IPv4 address
    return int(source)
