"""Who may see what the operator's listener shows: client certificates, users, and the headers of every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from aiohttp import web

from collector.listener.basic_auth import BasicAuth, Crowded

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    from collector.config.web_file import Web
    from collector.status import ServerStatus

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEALTH: Final = ("/-/healthy", "/-/ready")
_EVERYWHERE: Final = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


class Guard:
    """A middleware's worth of rules, which may be replaced while they are in use.

    With `health_open` the health endpoints ask for no password, for probes rarely have one. A client certificate that
    is demanded is demanded of them too: it is part of the connection.
    """

    def __init__(self, rules: Web, status: ServerStatus, *, health_open: bool) -> None:
        self._status = status
        self.use(rules, health_open=health_open)

    def use(self, rules: Web, *, health_open: bool) -> None:
        """Go by these rules from now on."""
        self._web = rules
        self._health_open = health_open
        self._auth = BasicAuth(rules.users) if rules.users else None

    async def admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let the request through, or say why not."""
        refusal = self._strange_certificate(request) or self._of_another_site(request) or await self._unknown(request)
        if refusal is not None:
            return refusal
        return await handler(request)

    async def dress(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Put the security headers on an answer; those of the file win."""
        for name, value in _EVERYWHERE.items():
            response.headers.setdefault(name, value)
        response.headers.update(self._web.headers)

    def _strange_certificate(self, request: web.Request) -> web.Response | None:
        allowed = self._web.allowed_sans
        if not allowed:
            return None
        tls: ssl.SSLObject | None = request.transport.get_extra_info("ssl_object") if request.transport else None
        certificate = tls.getpeercert() if tls is not None else None
        pairs = cast("tuple[tuple[str, str], ...]", (certificate or {}).get("subjectAltName", ()))
        names = {value for _, value in pairs}
        return None if names & allowed else self._refuse(403, "certificate_not_allowed")

    def _of_another_site(self, request: web.Request) -> web.Response | None:
        """A page of another site may make a browser post here, with the password that the browser knows."""
        if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return self._refuse(403, "cross_site")
        return None

    async def _unknown(self, request: web.Request) -> web.Response | None:
        if self._auth is None or (self._health_open and request.path in HEALTH):
            return None
        header = request.headers.get("Authorization", "")
        try:
            if header and await self._auth.admits(header):
                return None
        except Crowded:
            return self._refuse(503, "crowded", **{"Retry-After": "5"})
        # A first request without a password is how browsers ask for one: nothing to count.
        return self._refuse(401, "wrong_password" if header else "", **{"WWW-Authenticate": "Basic realm=collector"})

    def _refuse(self, status: int, reason: str, **headers: str) -> web.Response:
        if reason:
            self._status.refused[reason] = self._status.refused.get(reason, 0) + 1
        return web.Response(status=status, text="not allowed\n", headers=headers)
