"""Where a listener stands: `host:port`, and the socket it opens there.

Both listeners (webhook, operator) need the same words and the same error, and neither may import the other.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import re
import socket
from dataclasses import dataclass

from collector.errors import ListenError

# host:port, [ipv6]:port or :port (every address). Host names are allowed: "localhost:9733".
PATTERN = r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*):[0-9]{1,5}$"
BACKLOG = 128
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_EVERY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 - these are what the comparison looks for
_CAUSES = {
    errno.EADDRINUSE: "the port is already taken by another program",
    errno.EACCES: "the system does not allow this user to listen there",
    errno.EADDRNOTAVAIL: "this machine has no such address",
    errno.EAFNOSUPPORT: "this machine does not speak that address family",
}


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """One place to listen; an empty `host` and `::` mean every address, IPv4 and IPv6; port 0 means any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def everywhere(self) -> bool:
        """True when it takes every address of the machine."""
        return self.host in _EVERY_ADDRESS

    def collides(self, other: ListenAddress) -> bool:
        """True when both cannot be opened at once on one machine."""
        if self.port == 0 or self.port != other.port:
            return False
        return self.everywhere or other.everywhere or _canonical(self.host) == _canonical(other.host)

    def bind(self) -> socket.socket:
        """Open, bind and listen. Raises `ListenError`, which says in words what the system refused."""
        try:
            return self._bind()
        except socket.gaierror as error:
            raise ListenError(str(self), f"the name cannot be resolved ({error.strerror})") from error
        except OSError as error:
            cause = _CAUSES.get(error.errno or 0) or os.strerror(error.errno or 0)
            raise ListenError(str(self), cause if error.errno else str(error)) from error

    def _bind(self) -> socket.socket:
        if self.host in ("", "::") and socket.has_dualstack_ipv6():
            return socket.create_server(("", self.port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True)
        if self.host == "":
            return socket.create_server(("", self.port), backlog=BACKLOG)
        family, _, _, _, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((str(address[0]), self.port), family=family, backlog=BACKLOG)


def parse(text: str) -> ListenAddress:
    """Read `host:port`; raises ValueError with a sentence for people."""
    if not re.match(PATTERN, text):
        raise ValueError("must be host:port")
    host, _, port = text.rpartition(":")
    if int(port) > 65535:  # noqa: PLR2004 - the width of a TCP port
        raise ValueError("the port must lie between 0 and 65535")
    if host.startswith("["):
        try:
            host = str(ipaddress.IPv6Address(host[1:-1]))
        except ValueError:
            raise ValueError("what stands in brackets must be an IPv6 address") from None
    return ListenAddress(host, int(port))


def is_loopback(host: str) -> bool:
    """True for localhost, 127.0.0.0/8 and ::1: what never leaves this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _canonical(host: str) -> str:
    return "127.0.0.1" if host.lower() == "localhost" else host.lower()
