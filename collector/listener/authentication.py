"""Authentication of requests by client certificate and password, and the security headers of responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from aiohttp import web

from collector.listener.basic_auth import BasicAuth, TooManyAttempts
from collector.listener.http_server import connection_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from collector.listener.client_address import AuthenticatedSources
    from collector.listener.web_config import WebConfig

_DEFAULT_HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


class Authenticator:
    """Decides whether a request is answered.

    A client certificate that is required is required for `open_paths` too: it belongs to the connection.

    Args:
        config: certificates, users and headers.
        open_paths: paths that require no password.
        on_rejected: receives the reason of each rejected request, one of a fixed set: wrong_password,
            too_many_attempts, certificate_not_allowed, cross_site.
        authenticated: learns the sources whose requests were accepted.
    """

    def __init__(
        self,
        config: WebConfig,
        *,
        open_paths: frozenset[str],
        on_rejected: Callable[[str], None],
        authenticated: AuthenticatedSources,
    ) -> None:
        self._config = config
        self._open_paths = open_paths
        self._on_rejected = on_rejected
        self._authenticated = authenticated
        self._basic_auth = BasicAuth(config.users)

    def use(self, config: WebConfig, *, open_paths: frozenset[str]) -> None:
        """Use another configuration; credentials of users that did not change stay accepted."""
        self._config = config
        self._open_paths = open_paths
        self._basic_auth.replace_users(config.users)

    async def rejection(self, request: web.Request) -> web.Response | None:
        """Return the response to a request that is rejected; None when it is accepted."""
        rejected = self._check_certificate(request) or self._check_origin(request)
        if rejected is None and request.path not in self._open_paths:
            rejected = await self._check_password(request)
            connection = connection_of(request)
            if rejected is None and connection is not None:
                connection.note_authenticated()
        return rejected

    async def add_headers(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Add the security headers; those of the configuration replace others."""
        for name, value in _DEFAULT_HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.update(self._config.headers)

    def _check_certificate(self, request: web.Request) -> web.Response | None:
        allowed = self._config.allowed_sans
        if not allowed:
            return None
        tls: ssl.SSLObject | None = request.transport.get_extra_info("ssl_object") if request.transport else None
        certificate = tls.getpeercert() if tls is not None else None
        pairs = cast("tuple[tuple[str, str], ...]", (certificate or {}).get("subjectAltName", ()))
        names = {value for _, value in pairs}
        return None if names & allowed else self._reject(403, "certificate_not_allowed")

    def _check_origin(self, request: web.Request) -> web.Response | None:
        """Reject a POST that a page of another site makes a browser send, with the password the browser remembers."""
        if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return self._reject(403, "cross_site")
        return None

    async def _check_password(self, request: web.Request) -> web.Response | None:
        if not self._config.users:
            return None
        header = request.headers.get("Authorization", "")
        connection = connection_of(request)
        source = connection.source if connection is not None else ""
        try:
            if header and await self._basic_auth.accepts(header, source, trusted=source in self._authenticated):
                return None
        except TooManyAttempts as error:
            return self._reject(429, "too_many_attempts", **{"Retry-After": str(error.retry_after_s)})
        # A browser's first request has no password and asks for the realm: it is not counted.
        return self._reject(401, "wrong_password" if header else "", **{"WWW-Authenticate": "Basic realm=collector"})

    def _reject(self, status: int, reason: str, **headers: str) -> web.Response:
        if reason:
            self._on_rejected(reason)
        return web.Response(status=status, text="not allowed\n", headers=headers)
