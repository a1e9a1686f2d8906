"""Listen addresses: parse `host:port`, detect collisions, bind the socket."""

from __future__ import annotations

import errno
import ipaddress
import os
import re
import socket
from dataclasses import dataclass

from collector.errors import ListenError

# host:port, [ipv6]:port or :port (all addresses). Host names are allowed: "localhost:9733".
PATTERN = r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*):[0-9]{1,5}$"
BACKLOG = 1024  # beyond it the kernel drops connections, also those of a scraper, which tries again after 1 s
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_WILDCARDS = ("", "0.0.0.0", "::")  # noqa: S104 - compared with, not bound
_CAUSES = {
    errno.EADDRINUSE: "the port is already in use",
    errno.EACCES: "permission denied",
    errno.EADDRNOTAVAIL: "this host does not have that address",
    errno.EAFNOSUPPORT: "this host does not support that address family",
}


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """A host and a TCP port to listen on.

    Attributes:
        host: host name or address; empty and `::` mean all addresses, IPv4 and IPv6.
        port: TCP port; 0 lets the system choose one.
    """

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def is_wildcard(self) -> bool:
        """Whether it covers all addresses of the host."""
        return self.host in _WILDCARDS

    def collides(self, other: ListenAddress) -> bool:
        """Return whether both cannot be bound at the same time."""
        if self.port == 0 or self.port != other.port:
            return False
        return self.is_wildcard or other.is_wildcard or _canonical(self.host) == _canonical(other.host)

    def bind(self) -> socket.socket:
        """Return a listening socket.

        Raises:
            ListenError: the system rejected the address; the error states why.
        """
        try:
            return self._bind()
        except socket.gaierror as error:
            raise ListenError(str(self), f"the host name cannot be resolved ({error.strerror})") from error
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
    """Parse `host:port`.

    Raises:
        ValueError: with a message for the operator.
    """
    if not re.match(PATTERN, text):
        raise ValueError("must be host:port")
    host, _, port = text.rpartition(":")
    if int(port) > 65535:  # noqa: PLR2004 - the largest TCP port
        raise ValueError("the port must be between 0 and 65535")
    if host.startswith("["):
        try:
            host = str(ipaddress.IPv6Address(host[1:-1]))
        except ValueError:
            raise ValueError("the address in brackets must be an IPv6 address") from None
    return ListenAddress(host, int(port))


def is_loopback(host: str) -> bool:
    """Return whether `host` is localhost, in 127.0.0.0/8, or ::1."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _canonical(host: str) -> str:
    return "127.0.0.1" if host.lower() == "localhost" else host.lower()
