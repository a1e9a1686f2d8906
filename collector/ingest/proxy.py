"""The HTTP proxy of a connection to the Mist cloud, from the environment; for streams and for REST."""

from __future__ import annotations

import urllib.request
from urllib.parse import urlsplit

from collector.listener.address import is_loopback


def proxy_for(url: str) -> str | None:
    """Return the URL of the HTTP proxy for a wss or https URL, None for a direct connection.

    The variables are those of Python's `urllib`: `https_proxy` (or `wss_proxy`) and `no_proxy`. A URL without TLS is
    for the loopback interface, which is never reached through a proxy. SOCKS proxies are not supported.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"wss", "https"} or is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("https")
    return proxy if proxy and urlsplit(proxy).scheme in {"http", "https"} else None
