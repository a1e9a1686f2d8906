"""The REST client of one Mist cloud: calls within the token's budget, retries, and the pages of listings.

`RestClient` only reads: the daemon changes nothing at Mist. `WritingRestClient` is for commands that an operator runs.

The token is read anew for each call, so that a replaced one is used at once, and it is sent to the configured host
only: redirects and `next` links to another host are rejected, not followed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import aiohttp
import structlog
from yarl import URL

from collector.backoff import pause_s
from collector.errors import CollectorError, Fatal, MalformedAnswer, RateLimited, RemoteError, Retryable
from collector.ingest.proxy import proxy_for
from collector.ingest.rest import answers, bodies, paging
from collector.ingest.rest.answers import Answer, AnswerBoundary
from collector.ingest.rest.bodies import RestBodyMemory
from collector.ingest.rest.budget import CallBudget
from collector.token import mask, token_fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType
    from typing import Literal, Self

    from collector.clock import Clock
    from collector.ingest.rest.paging import Page
    from collector.ingest.token_gate import TokenGate
    from collector.mist.clouds import Cloud
    from collector.status import RestStatus

    Method = Literal["GET", "POST", "PUT", "DELETE"]

T = TypeVar("T")
Query = str | int | bool
OnCall = Callable[[], None]

PREFIX: Final = "/api/v1"
ATTEMPTS: Final = 4  # calls for one answer before its error is raised
MAX_LISTING_S: Final = 7200.0  # from the first page to the last; a wait for the budget takes an hour at most
TIMEOUT: Final = aiohttp.ClientTimeout(total=120.0, sock_connect=10.0, sock_read=60.0)
_OK: Final = 200
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_log = structlog.get_logger(__name__)


def open_session() -> aiohttp.ClientSession:
    """Return a session without cookies: each call is authorised by its token alone."""
    return aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar())


class RestClient:
    """GET within the budget. An async context manager: it owns its HTTP session.

    Every method raises Retryable or RateLimited after `attempts` failed calls, and Fatal at once for what no retry can
    succeed in. Its methods take `on_call`, which is called for each call made, retries and pages included.

    Attributes:
        status: counts each call by outcome (ok | retry | rate_limited | refused | malformed) and keeps the last error.
        budget: the calls that are left.
        boundary: contains exceptions in code that handles an answer, see `AnswerBoundary`. The methods of this class
            use it themselves.

    Args:
        cloud: where to call.
        token: reads the token.
        status: see above.
        clock: for pauses and deadlines. Timeouts of the network are real time.
        session: opens the HTTP session.
        budget: None for one of its own.
        gate: holds calls back while the token is rejected; None for commands, which end then.
        attempts: calls for one answer.
        rng: for jitter.
    """

    def __init__(
        self,
        cloud: Cloud,
        token: Callable[[], str],
        status: RestStatus,
        clock: Clock,
        *,
        session: Callable[[], aiohttp.ClientSession] = open_session,
        budget: CallBudget | None = None,
        gate: TokenGate | None = None,
        attempts: int = ATTEMPTS,
        rng: random.Random | None = None,
    ) -> None:
        self.status = status
        self.budget = budget or CallBudget(status)
        self.boundary = AnswerBoundary(status)
        self._base = URL(cloud.api_url.rstrip("/") + PREFIX)
        self._proxy = proxy_for(cloud.api_url)
        self._token = token
        self._clock = clock
        self._open_session = session
        self._session: aiohttp.ClientSession | None = None
        self._gate = gate
        self._memory = RestBodyMemory()
        self._attempts = attempts
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._is_waiting = False

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
        """Return the JSON of one answer; `path` is below /api/v1: ``/orgs/:id/sites``."""
        body, _ = await self._get(path, query, on_call)
        return body

    def pages(
        self,
        path: str,
        *,
        limit: int = paging.PAGE_SIZE,
        consistent: bool = False,
        on_call: OnCall | None = None,
        **query: Query,
    ) -> paging.EntryIterator:
        """Yield every entry of a listing whose pages are lists; see `paging.numbered_entries`."""
        where = PREFIX + path
        fetch = self._numbered(path, query, limit, on_call, partial(paging.list_page, where=where))
        return self._contained(paging.numbered_entries(fetch, where, limit=limit, consistent=consistent), where)

    def numbered(
        self, path: str, *, limit: int = paging.PAGE_SIZE, on_call: OnCall | None = None, **query: Query
    ) -> paging.EntryIterator:
        """Yield every result of a listing that counts its pages in its body; see `paging.numbered_entries`."""
        where = PREFIX + path
        fetch = self._numbered(path, query, limit, on_call, partial(paging.results_page, where=where))
        return self._contained(paging.numbered_entries(fetch, where, limit=limit), where)

    def search(
        self, path: str, *, limit: int = paging.PAGE_SIZE, on_call: OnCall | None = None, **query: Query
    ) -> paging.EntryIterator:
        """Yield every result of a ``*/search`` path, following `next` on this host; see `paging.linked_entries`."""
        where = PREFIX + path
        first = self._url(path, query | {"limit": limit})
        began_at = self._clock.now()

        async def fetch(link: str | None) -> Page:
            self._check_duration(began_at, where)
            url = first if link is None else self._linked(first, link)
            parse = partial(paging.results_page, where=where)
            return await self._fetch(url, where, parse, bodies.MAX_LISTING_BYTES, on_call)

        return self._contained(paging.linked_entries(fetch, where), where)

    async def learn_usage(self) -> None:
        """Read how many calls were made with this token in this hour, for the budget; raises as `get` does."""
        self.budget.learn(await self.get("/self/usage"), self._clock.time())

    async def _get(self, path: str, query: dict[str, Query], on_call: OnCall | None = None) -> tuple[object, Answer]:
        where = PREFIX + path

        def parse(answer: Answer) -> tuple[object, Answer]:
            try:
                return answers.decoded(answer, where), answer
            finally:
                answer.release()

        return await self._fetch(self._url(path, query), where, parse, bodies.MAX_OBJECT_BYTES, on_call)

    def _numbered(
        self, path: str, query: dict[str, Query], limit: int, on_call: OnCall | None, parse: Callable[[Answer], Page]
    ) -> paging.FetchPage:
        """Return the function that fetches the page of a number."""
        first = self._url(path, query | {"limit": limit})
        began_at, where = self._clock.now(), PREFIX + path

        async def fetch(page: int) -> Page:
            self._check_duration(began_at, where)
            return await self._fetch(first.update_query(page=page), where, parse, bodies.MAX_LISTING_BYTES, on_call)

        return fetch

    async def _contained(self, entries: paging.EntryIterator, where: str) -> paging.EntryIterator:
        with self.boundary(where):
            async with aclosing(entries):
                async for entry in entries:
                    yield entry

    def _check_duration(self, began_at: float, where: str) -> None:
        if self._clock.now() - began_at > MAX_LISTING_S:
            raise Retryable(f"the listing takes longer than {MAX_LISTING_S:.0f} s", where=where)

    def _url(self, path: str, query: dict[str, Query]) -> URL:
        if self._session is None:
            raise RuntimeError(f"{type(self).__name__} is used outside its `async with`")
        texts = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in query.items()}
        return self._base.with_path(self._base.path + path).with_query(texts)

    def _linked(self, first: URL, link: str) -> URL:
        """Resolve a `next` link against the first page; Fatal when it leaves the host or the API."""
        try:
            url = first.join(URL(link, encoded=True)).with_user(None)
            if url.origin() == self._base.origin() and url.path.startswith(self._base.path + "/"):
                return url
        except ValueError:
            pass  # not a link: the same error
        raise Fatal("`next` points outside this cloud's API; not followed", where=first.path)

    async def _fetch(
        self, url: URL, where: str, parse: Callable[[Answer], T], max_bytes: int, on_call: OnCall | None = None
    ) -> T:
        """Call until an answer is good and could be parsed, is rejected, or `attempts` calls have failed."""
        attempt = 0
        while True:
            await self._admit()
            attempt += 1
            if on_call is not None:
                on_call()
            try:
                with self.boundary(where):
                    parsed = await self._call(url, where, parse, max_bytes=max_bytes)
            except RemoteError as error:
                self._count(error)
                if not isinstance(error, Retryable | RateLimited):
                    raise
                pause = pause_s(error, attempt, self._rng.random())
                if isinstance(error, RateLimited):
                    self.budget.pause(self._clock.now() + pause)  # for every call of this token
                if attempt >= self._attempts:
                    raise
                await self._clock.sleep(pause)
            else:
                self._count_ok()
                return parsed

    async def _admit(self) -> None:
        """Return when the budget and the token gate permit a call; it is counted then."""
        while (wait_s := self.budget.wait_s(self._clock.now(), self._clock.time())) > 0:
            if not self._is_waiting and self.budget.is_exhausted(self._clock.time()):
                self._is_waiting = True
                _log.warning("rest_budget_exhausted", account=self.status.account, wait_s=round(wait_s))
            await self._clock.sleep(wait_s + self._rng.uniform(0.0, 1.0))
        if self._is_waiting:
            self._is_waiting = False
            _log.info("rest_budget_renewed", account=self.status.account)
        if self._gate is not None:
            await self._gate.wait()
        self.budget.spend(self._clock.time())

    def _count_ok(self) -> None:
        self.status.calls["ok"] = self.status.calls.get("ok", 0) + 1

    def _count(self, error: RemoteError) -> None:
        """Count a failed call; the boundary has counted one whose answer is malformed."""
        if isinstance(error, MalformedAnswer):
            return
        outcome = {RateLimited: "rate_limited", Fatal: "refused"}.get(type(error), "retry")
        self.status.calls[outcome] = self.status.calls.get(outcome, 0) + 1
        self.status.last_error = str(error)

    async def _call(
        self,
        url: URL,
        where: str,
        parse: Callable[[Answer], T],
        *,
        max_bytes: int = bodies.MAX_OBJECT_BYTES,
        method: Method = "GET",
        content: object = None,
    ) -> T:
        """Make one call; RemoteError names the path `where` and never contains the token."""
        token = self._read_token(where)
        reservation = self._memory.reservation()
        try:
            async with _translated(where), self._request(url, token, method, content) as response:
                error = await self._judge(response, token, where)
                if error is not None:
                    raise error  # noqa: TRY301 - of the answer
                body = await bodies.read_body(response, reservation, max_bytes=max_bytes, secret=token, where=where)
            return parse(Answer(body, response.headers, reservation.release))
        except BaseException as error:
            reservation.release()
            if isinstance(error, RemoteError):
                _mask(error, token)
            raise

    @asynccontextmanager
    async def _request(
        self, url: URL, token: str, method: Method, content: object
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            raise RuntimeError(f"{type(self).__name__} is used outside its `async with`")
        headers = {"Authorization": f"Token {token}", "Accept": "application/json"}
        async with self._session.request(
            method, url, headers=headers, json=content, allow_redirects=False, proxy=self._proxy
        ) as response:
            try:
                yield response
            except BaseException:
                response.close()  # a connection with an unread body cannot be used again
                raise

    async def _judge(self, response: aiohttp.ClientResponse, token: str, where: str) -> RemoteError | None:
        """Return the error of an answer, None for a good one; report to the gate whether the token was accepted."""
        status = response.status
        if self._gate is not None:
            if status == _UNAUTHORIZED and self._read_token(where) == token:  # else it was replaced meanwhile
                self._gate.rejected()
            elif status != _UNAUTHORIZED and status < 500:  # noqa: PLR2004 - a server error is no verdict on the token
                self._gate.accepted()
        if status == _OK:
            return None
        body = await bodies.read_error_body(response, secret=token)
        return answers.error_of(status, response.headers, body, where=where, unix=self._clock.time())

    def _read_token(self, where: str) -> str:
        try:
            token = self._token().strip()
        except (OSError, CollectorError) as error:
            raise Fatal(f"the token cannot be read: {error}", where=where) from None
        if fault := token_fault(token):
            raise Fatal(f"the token {fault}", where=where)
        return token


class WritingRestClient(RestClient):
    """`RestClient` that can also write; the token needs write access.

    A write is made once and not retried: when its answer is lost, it is unknown whether it was done, and the operator
    has to look before the next attempt.
    """

    async def get_with_headers(self, path: str) -> tuple[object, Answer]:
        """Return the JSON of one answer, and the answer for its headers."""
        return await self._get(path, {})

    async def write(self, method: Method, path: str, content: dict[str, object] | None = None) -> object:
        """Make one call and return the JSON of its answer; `path` is below /api/v1.

        Raises as `get` does; Retryable means that it is unknown whether the write was done.
        """
        url, where = self._url(path, {}), PREFIX + path
        await self._admit()
        try:
            with self.boundary(where):
                parse = partial(answers.decoded, where=where)
                written = await self._call(url, where, parse, method=method, content=content)
        except RemoteError as error:
            self._count(error)
            if error.status == _FORBIDDEN:
                raise Fatal(
                    "the token can read but not write here: this needs a token with write access (see --token-env)",
                    where=f"{method} {path}",
                    status=error.status,
                ) from None
            raise
        self._count_ok()
        return written


@asynccontextmanager
async def _translated(where: str) -> AsyncIterator[None]:
    """Raise Retryable for errors of aiohttp and of the network, Fatal for those that the operator has to correct."""
    try:
        yield
    except aiohttp.ClientConnectorCertificateError as error:
        raise Fatal(f"the server's certificate is not trusted: {error}", where=where) from None
    except aiohttp.InvalidURL as error:
        raise Fatal(f"not a valid address: {error}", where=where) from None
    except TimeoutError:
        raise Retryable("no answer within the timeout", where=where) from None
    except (aiohttp.ClientError, OSError, RuntimeError) as error:  # RuntimeError: the session was closed meanwhile
        raise Retryable(f"no connection, or it was lost: {answers.one_line(str(error))}", where=where) from None


def _mask(error: RemoteError, token: str) -> None:
    """Mask the token in the message of an error: a peer may send it back in a header, a body or a reason phrase."""
    error.detail = mask(error.detail, token)
    error.args = (mask(str(error), token),)
