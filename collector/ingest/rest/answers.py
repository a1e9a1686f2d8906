"""Interpretation of one HTTP answer of the REST API: its JSON, or the error to raise. No I/O.

Sizes and depths are checked before a body is parsed. `AnswerBoundary` turns every other exception of parsing into
`MalformedAnswer`, so that an answer can only fail the call that it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, overload

import orjson

from collector.backoff import retry_after_s
from collector.error_log import ErrorLog
from collector.errors import Fatal, MalformedAnswer, RateLimited, RemoteError, Retryable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import msgspec

    from collector.status import RestStatus

MAX_DEPTH: Final = 100  # nesting of JSON; Mist's answers have fewer than 10 levels, and orjson encodes 254
MAX_DETAIL: Final = 200  # characters of a peer's text in an error

_OK: Final = 200
_UNAUTHORIZED: Final = 401
_TOO_MANY: Final = 429
_TRANSIENT_4XX: Final = frozenset({408, 425})  # request timeout, too early
_EXPLANATIONS: Final = {
    400: "the request is not valid for this cloud",
    _UNAUTHORIZED: "the token is not accepted: wrong, revoked, expired, or of another cloud",
    403: "the token has no right to read this",
    404: "not found: wrong id or address, or a token of another cloud",
}
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))


@dataclass(frozen=True, slots=True)
class Answer:
    """The body and the headers of an answer with status 200.

    Attributes:
        body: JSON text, not yet parsed.
        headers: the headers; a lookup ignores upper and lower case.
        release: frees the memory that is reserved for `body`; to be called when nothing of it is needed any more.
    """

    body: bytes
    headers: Mapping[str, str]
    release: Callable[[], None] = lambda: None


class Entries(Sequence[object]):
    """A list whose entries are parsed on access, so that a page of any size does not block the event loop.

    A page of 1,000 access points is 6.6 MB and 80,000 values: parsing it at once takes 40-55 ms, finding where each
    entry begins 4 ms. Access raises ValueError for an entry that is not valid JSON or is nested too deep.
    """

    def __init__(self, raw: list[msgspec.Raw]) -> None:
        self._raw = raw

    def __len__(self) -> int:
        return len(self._raw)

    @overload
    def __getitem__(self, at: int) -> object: ...
    @overload
    def __getitem__(self, at: slice) -> list[object]: ...
    def __getitem__(self, at: int | slice) -> object:
        if isinstance(at, slice):
            return [self[place] for place in range(*at.indices(len(self)))]
        return decode(bytes(self._raw[at]))

    def text(self, at: int) -> bytes:
        """Return an entry as JSON text."""
        return bytes(self._raw[at])


def decode(body: bytes) -> object:
    """Return the value of JSON text; ValueError when it is not JSON or nested too deep."""
    if is_nested_deeper(body, MAX_DEPTH):
        raise ValueError(f"JSON nested deeper than {MAX_DEPTH} levels")
    return orjson.loads(body)


def decoded(answer: Answer, where: str) -> object:
    """Return the JSON of an answer; MalformedAnswer when it is none."""
    try:
        return decode(answer.body)
    except ValueError as error:
        raise not_json(answer, where, error) from None


def not_json(answer: Answer, where: str, error: Exception) -> MalformedAnswer:
    """Return the error for a body that is not JSON: of a captive portal or a maintenance page, or cut off."""
    if "deep" in str(error):
        return MalformedAnswer(f"JSON nested deeper than {MAX_DEPTH} levels", where=where)
    content_type = one_line(answer.headers.get("Content-Type", "no content type").partition(";")[0])
    return MalformedAnswer(f"not JSON ({len(answer.body)} bytes of {content_type})", where=where, status=_OK)


def is_nested_deeper(text: bytes, limit: int) -> bool:
    """Return whether JSON text is nested deeper than `limit` levels; exact up to `limit`, certain beyond twice that.

    Most texts are accepted by counting their brackets. For the others the cost is some 4 ns per byte.
    """
    if text.count(b"[") + text.count(b"{") <= limit:
        return False
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = b"".join(text.split(b'"')[::2]).translate(None, _NO_BRACKETS)  # outside of strings
    for _ in range(limit):  # each round removes the innermost level
        shorter = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(shorter) == len(brackets):
            return brackets.count(b"[") + brackets.count(b"{") > limit
        brackets = shorter
    return bool(brackets)


def error_of(status: int, headers: Mapping[str, str], body: bytes, *, where: str, unix: float) -> RemoteError | None:
    """Return the error of an answer, None for status 200.

    5xx, 408 and 425 are Retryable, 429 is RateLimited, all others are Fatal. So is a redirect: none is ever followed,
    because the token must not be sent to another host.

    Args:
        status: the HTTP status.
        headers: the headers; `Retry-After` and `Date` are used.
        body: the beginning of the body; of JSON, `detail` becomes part of the message.
        where: the path, for the message.
        unix: the present time, seconds since the epoch.
    """
    if status == _OK:
        return None
    if status == _TOO_MANY:
        return RateLimited(retry_after_s(headers, unix), where=where)
    detail = _detail_of(body)
    if status >= 500 or status in _TRANSIENT_4XX:  # noqa: PLR2004 - the class of server errors
        return Retryable(detail or "the cloud reports an error", where=where, status=status)
    if 300 <= status < 400:  # noqa: PLR2004 - the class of redirects
        return Fatal("the cloud answers with a redirect; check api_url", where=where, status=status)
    explanation = _EXPLANATIONS.get(status, "the cloud rejects the request")
    return Fatal(f"{explanation} ({detail})" if detail else explanation, where=where, status=status)


def is_token_rejected(error: RemoteError) -> bool:
    """Return whether the cloud did not accept the token, so that other calls of the account cannot succeed either."""
    return error.status == _UNAUTHORIZED


def _detail_of(body: bytes) -> str:
    """Return the `detail` of an error of Mist as one short line; empty when there is none."""
    try:
        answer = decode(body)
    except ValueError:
        return ""
    detail = answer.get("detail") if isinstance(answer, dict) else None
    return one_line(detail) if isinstance(detail, str) else ""


def one_line(text: str) -> str:
    """Return text of a peer as one line of printable characters, at most `MAX_DETAIL` of them."""
    words = " ".join(text[: 4 * MAX_DETAIL].split())
    return "".join(character for character in words if character.isprintable())[:MAX_DETAIL]


class AnswerBoundary:
    """The one place where an exception of parsing an answer becomes MalformedAnswer: counted, logged, contained.

    ::

        with boundary("/api/v1/orgs/:id/sites"):
            ...  # decode, follow pages, read entries

    RemoteError passes. Every other exception is logged once per distinct error, with its traceback and without its
    message, which may contain the payload.

    Args:
        status: counts each malformed answer as a call with the outcome `malformed`, and keeps the last error.
    """

    def __init__(self, status: RestStatus) -> None:
        self._status = status
        self._errors = ErrorLog()

    @contextmanager
    def __call__(self, where: str) -> Iterator[None]:
        """Return a context manager for the code that handles an answer of `where`, a path without secrets."""
        try:
            yield
        except MalformedAnswer as error:
            self._count(error)
            raise
        except RemoteError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it costs this answer only
            self._errors.log("rest_answer_unexpected", error, quote=False, account=self._status.account, path=where)
            malformed = MalformedAnswer(f"{type(error).__name__} while it was parsed", where=where)
            self._count(malformed)
            raise malformed from None

    def _count(self, error: MalformedAnswer) -> None:
        if not error.counted:
            error.counted = True
            self._status.calls["malformed"] = self._status.calls.get("malformed", 0) + 1
            self._status.last_error = str(error)
