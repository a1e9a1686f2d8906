"""An HTTP answer of the REST API, judged: a decoded body, or the error that says who has to act. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, overload

import msgspec
import orjson

from collector.errors import Fatal, RateLimited, Retryable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from collector.errors import RemoteError

DEFAULT_RETRY_AFTER_S = 30.0  # a 429 that names no time: wait at least so long
LONGEST_RETRY_AFTER_S = 3600.0  # the budget is new every hour, whatever a header says
LONGEST_DETAIL = 200
LARGE_BODY = 128 * 1024  # bytes; a list that is larger is parsed entry by entry

_OK = 200
_TOO_MANY = 429
_HEALING_4XX = frozenset({408, 425})  # request timeout, too early
_EXPLAINED = {
    400: "the cloud does not understand the request",
    401: "the token is not accepted: wrong, revoked, expired, or of another cloud",
    403: "the token has no right to read this",
    404: "not found: wrong id or address, or a token of another cloud",
}


class Entries(Sequence[object]):
    """A long list whose entries are parsed when they are looked at, so that no page holds up what else there is to do.

    A thousand access points are 6.6 MB: 40-55 ms and 80,000 objects to parse at once, 4 ms to find where each begins.
    Raises Retryable for an entry that is not JSON.
    """

    def __init__(self, body: bytes, where: str) -> None:
        self._raw = msgspec.json.decode(body, type=list[msgspec.Raw])
        self._where = where

    def __len__(self) -> int:
        return len(self._raw)

    @overload
    def __getitem__(self, at: int) -> object: ...
    @overload
    def __getitem__(self, at: slice) -> list[object]: ...
    def __getitem__(self, at: int | slice) -> object:
        if isinstance(at, slice):
            return [self[place] for place in range(*at.indices(len(self)))]
        try:
            return orjson.loads(memoryview(self._raw[at]))
        except orjson.JSONDecodeError:
            raise Retryable("an entry of the list is not JSON", where=self._where) from None


def body_of(status: int, headers: Mapping[str, str], body: bytes, *, where: str, unix: float) -> object:
    """Return the decoded JSON of a good answer; a long list as `Entries`.

    Raises Retryable for 5xx and for a 200 that is not JSON (a captive portal, a maintenance page, a cut-off body),
    RateLimited for 429, Fatal for everything else, redirects included: those are never followed, for the token must
    not travel to another host. `unix` (wall clock) is for a `Retry-After` that names a date.
    """
    if status != _OK:
        raise _error_of(status, headers, body, where=where, unix=unix)
    try:
        if len(body) > LARGE_BODY and body.startswith(b"["):
            return Entries(body, where)
        return orjson.loads(body)
    except (orjson.JSONDecodeError, msgspec.DecodeError):
        kind = headers.get("Content-Type", "no content type").partition(";")[0]
        detail = f"the answer is not JSON ({len(body)} bytes of {kind})"
        raise Retryable(detail, where=where, status=status) from None


def _error_of(status: int, headers: Mapping[str, str], body: bytes, *, where: str, unix: float) -> RemoteError:
    if status == _TOO_MANY:
        return RateLimited(retry_after_s(headers.get("Retry-After"), unix), where=where)
    said = _detail_of(body)
    if status >= 500 or status in _HEALING_4XX:  # noqa: PLR2004 - the class of server errors
        return Retryable(said or "the cloud has trouble", where=where, status=status)
    if 300 <= status < 400:  # noqa: PLR2004 - the class of redirects
        return Fatal("the cloud answers with a redirect; check api_url", where=where, status=status)
    explained = _EXPLAINED.get(status, "the cloud refuses")
    return Fatal(f"{explained} ({said})" if said else explained, where=where, status=status)


def _detail_of(body: bytes) -> str:
    """Return the `detail` that Mist's errors carry, cut to one short line; empty when there is none."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    detail = answer.get("detail") if isinstance(answer, dict) else None
    return " ".join(detail.split())[:LONGEST_DETAIL] if isinstance(detail, str) else ""


def retry_after_s(header: str | None, unix: float) -> float:
    """Read `Retry-After` (seconds, or an HTTP date) as seconds from now, between 1 and an hour."""
    asked_s = _asked_s(header.strip(), unix) if header else None
    if asked_s is None or asked_s != asked_s:  # noqa: PLR0124 - not a number is unlike itself
        return DEFAULT_RETRY_AFTER_S
    return min(max(asked_s, 1.0), LONGEST_RETRY_AFTER_S)


def _asked_s(header: str, unix: float) -> float | None:
    try:
        return float(header)
    except ValueError:
        pass
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - unix
