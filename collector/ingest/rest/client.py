"""The REST side of one Mist cloud: calls within the token's budget, retried while that can help, and both page styles.

Every way of asking takes `on_call`, which is called at each call made, retries and pages included.

Only GET: the collector changes nothing (`rest_writing` is for commands that a person gives). The token is asked for
anew at each call, so that a rotated one is used at once, and it goes to no host but the configured one: redirects and
foreign `next` links are refused, not followed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import structlog
from yarl import URL

from collector.errors import CollectorError, Fatal, RateLimited, RemoteError, Retryable
from collector.ingest.proxy import proxy_for
from collector.ingest.rest import paging
from collector.ingest.rest.answers import Entries, body_of
from collector.ingest.rest.budget import Budget
from collector.ingest.rest.paging import Answer
from collector.ingest.rest.retries import is_retried, pause_s

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType
    from typing import Self

    from collector.clock import Clock
    from collector.mist.clouds import Cloud
    from collector.status import RestStatus

log = structlog.get_logger(__name__)

PREFIX = "/api/v1"
ATTEMPTS = 4  # calls for one answer before the error is handed on
LARGEST_BODY = 256 * 1024 * 1024  # bytes; 1000 big switches are some 50 MB
TIMEOUT = aiohttp.ClientTimeout(total=120.0, sock_connect=10.0, sock_read=60.0)
_CHUNK = 256 * 1024

Query = str | int | bool
OnCall = Callable[[], None]


def open_session() -> aiohttp.ClientSession:
    """Return a session that keeps no cookies: each call is authorised by its token and nothing else."""
    return aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar())


class Rest:
    """GET within the budget. An async context manager: it owns its HTTP session from enter to exit.

    Every method raises Retryable or RateLimited once `attempts` calls have failed, and Fatal at once for what no
    retry heals. `status` counts each call by outcome (ok | retry | rate_limited | refused) and keeps the last error.
    """

    def __init__(
        self,
        cloud: Cloud,
        token: Callable[[], str],
        status: RestStatus,
        clock: Clock,
        *,
        session: Callable[[], aiohttp.ClientSession] = open_session,
        budget: Budget | None = None,
        attempts: int = ATTEMPTS,
        rng: random.Random | None = None,
    ) -> None:
        self.status = status
        self.budget = budget or Budget(status)
        self._base = URL(cloud.api_url.rstrip("/") + PREFIX)
        self._proxy = proxy_for(cloud.api_url)
        self._token = token
        self._clock = clock
        self._open_session = session
        self._session: aiohttp.ClientSession | None = None
        self._attempts = attempts
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._waiting = False

    async def __aenter__(self) -> Self:
        self._session = self._open_session()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(self, path: str, *, on_call: OnCall | None = None, **query: Query) -> object:
        """Return the decoded JSON of one answer; `path` is below /api/v1: ``/orgs/:id/sites``."""
        body = (await self._fetch(self._url(path, query), on_call)).body
        return list(body) if isinstance(body, Entries) else body

    def pages(
        self,
        path: str,
        *,
        limit: int = paging.LIMIT,
        steady: bool = False,
        on_call: OnCall | None = None,
        **query: Query,
    ) -> AsyncIterator[dict[str, object]]:
        """Yield every entry of a list that is paged by `limit` and `page`; see `paging.pages` for the guards."""

        async def fetch(page: int) -> Answer:
            return await self._fetch(self._url(path, {**query, "limit": limit, "page": page}), on_call)

        return paging.pages(fetch, PREFIX + path, limit=limit, steady=steady)

    def numbered(
        self, path: str, *, limit: int = paging.LIMIT, on_call: OnCall | None = None, **query: Query
    ) -> AsyncIterator[dict[str, object]]:
        """Yield every result of an answer that counts its pages in its body; see `paging.unwrapped`."""

        async def fetch(page: int) -> Answer:
            url = self._url(path, {**query, "limit": limit, "page": page})
            return paging.unwrapped(await self._fetch(url, on_call))

        return paging.pages(fetch, PREFIX + path, limit=limit)

    def search(
        self, path: str, *, limit: int = paging.LIMIT, on_call: OnCall | None = None, **query: Query
    ) -> AsyncIterator[dict[str, object]]:
        """Yield every result of a ``*/search`` path, following `next` on this host only."""

        async def fetch(link: str | None) -> Answer:
            first = self._url(path, {**query, "limit": limit})
            return await self._fetch(self._linked(first, link) if link else first, on_call)

        return paging.search(fetch, PREFIX + path)

    async def learn_usage(self) -> None:
        """Ask the cloud how many calls this token has made this hour; raises as `get` does."""
        self.budget.learn(await self.get("/self/usage"), self._clock.time())

    def _url(self, path: str, query: dict[str, Query]) -> URL:
        texts = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in query.items()}
        return self._base.with_path(self._base.path + path).with_query(texts)

    def _linked(self, first: URL, link: str) -> URL:
        """Resolve a `next` link against the page it began with; Fatal when it leaves the host or the API."""
        try:
            url = first.join(URL(link, encoded=True)).with_user(None)
            if url.origin() == self._base.origin() and url.path.startswith(self._base.path + "/"):
                return url
        except ValueError:
            pass  # not a link at all: the same fault
        raise Fatal("`next` points outside this cloud's API; not followed", where=first.path)

    async def _fetch(self, url: URL, on_call: OnCall | None = None) -> Answer:
        """Call until an answer is good, is refused, or `attempts` calls have failed."""
        attempt = 0
        while True:
            await self._admitted()
            attempt += 1
            if on_call is not None:
                on_call()
            try:
                answer = await self._call(url)
            except RemoteError as error:
                self._count(error)
                if not is_retried(error):
                    raise
                pause = pause_s(error, attempt, self._rng)
                if isinstance(error, RateLimited):
                    self.budget.pause(self._clock.now() + pause)  # for every call of this token
                if attempt >= self._attempts:
                    raise
                await self._clock.sleep(pause)
            else:
                self.status.calls["ok"] = self.status.calls.get("ok", 0) + 1
                return answer

    async def _admitted(self) -> None:
        """Return when the budget lets a call pass, the call being counted."""
        while (wait_s := self.budget.wait_s(self._clock.now(), self._clock.time())) > 0:
            if not self._waiting and self.budget.exhausted(self._clock.time()):
                self._waiting = True
                log.warning("rest_budget_exhausted", account=self.status.account, wait_s=round(wait_s))
            await self._clock.sleep(wait_s + self._rng.uniform(0.0, 1.0))
        if self._waiting:
            self._waiting = False
            log.info("rest_budget_renewed", account=self.status.account)
        self.budget.spend(self._clock.time())

    def _count(self, error: RemoteError) -> None:
        outcome = {RateLimited: "rate_limited", Fatal: "refused"}.get(type(error), "retry")
        self.status.calls[outcome] = self.status.calls.get(outcome, 0) + 1
        self.status.last_error = str(error)

    async def _call(self, url: URL, method: str = "GET", content: object = None) -> Answer:
        """Make one call; every failure comes out as a RemoteError that names the path and no secret."""
        if self._session is None:
            raise RuntimeError("Rest is used outside its `async with`")
        token = self._current_token(url.path)
        async with _translated(url.path):
            headers = {"Authorization": f"Token {token}", "Accept": "application/json"}
            call = self._session.request(
                method, url, headers=headers, json=content, allow_redirects=False, proxy=self._proxy
            )
            async with call as response:
                body = await _read(response, url.path)
        if response.status != 200:  # noqa: PLR2004 - an error page may echo what it was sent
            body = body.replace(token.encode(), b"(token)")
        unix = self._clock.time()
        return Answer(body_of(response.status, response.headers, body, where=url.path, unix=unix), response.headers)

    def _current_token(self, where: str) -> str:
        try:
            token = self._token().strip()
        except (OSError, CollectorError) as error:
            raise Fatal(f"the token cannot be read: {error}", where=where) from None
        if not token or not token.isascii() or not token.isprintable():
            raise Fatal("the token is empty or holds characters that no HTTP header may carry", where=where)
        return token


async def _read(response: aiohttp.ClientResponse, where: str) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > LARGEST_BODY:
            raise Retryable("the answer is larger than any honest one", where=where, status=response.status)
    return bytes(body)


@asynccontextmanager
async def _translated(where: str) -> AsyncIterator[None]:
    """Turn what aiohttp raises into Retryable, or into Fatal where the operator has to act."""
    try:
        yield
    except aiohttp.ClientConnectorCertificateError as error:
        raise Fatal(f"the server's certificate is not trusted: {error}", where=where) from None
    except aiohttp.InvalidURL as error:
        raise Fatal(f"not an address: {error}", where=where) from None
    except TimeoutError:
        raise Retryable("no answer in time", where=where) from None
    except (aiohttp.ClientError, OSError) as error:
        raise Retryable(f"no connection, or it broke: {error}", where=where) from None
