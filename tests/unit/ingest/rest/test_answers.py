"""HTTP answers: the error or the JSON of each, and the boundary that contains the exceptions of parsing."""

from __future__ import annotations

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from collector.errors import Fatal, MalformedAnswer, RateLimited, Retryable
from collector.ingest.rest.answers import (
    MAX_DEPTH,
    MAX_DETAIL,
    Answer,
    AnswerBoundary,
    Entries,
    decoded,
    error_of,
    is_nested_deeper,
    one_line,
)
from collector.status import RestStatus

UNIX = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


def error(status: int, body: bytes = b"", **headers: str):
    return error_of(status, headers, body, where="/api/v1/self", unix=UNIX)


def value(body: bytes, **headers: str) -> object:
    return decoded(Answer(body, headers), "/api/v1/self")


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


# Status


def test_status_200_is_no_error():
    assert error(200) is None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 418, 301, 302, 308, 204])
def test_an_error_that_no_retry_can_correct_is_fatal(status):
    found = error(status, b'{"detail": "No."}')
    assert type(found) is Fatal
    assert (found.status, found.where) == (status, "/api/v1/self")


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599, 408, 425])
def test_a_server_error_is_retryable(status):
    found = error(status, b"<html>Bad gateway</html>")
    assert type(found) is Retryable
    assert found.status == status


def test_the_error_contains_mists_detail_as_one_short_line():
    text = str(error(401, b'{"detail": "Invalid\\n \\u0000token ' + b"x" * 5000 + b'"}'))
    assert text.startswith("/api/v1/self: the token is not accepted")
    assert "Invalid token xxx" in text
    assert len(text) < 400
    assert text.isprintable()


@pytest.mark.parametrize("body", [b"[]", b'{"detail": 7}', b"{}", b"nothing", b"\xff", nested(100_000)])
def test_an_error_without_a_detail_is_explained(body):
    assert "no right to read this" in str(error(403, body))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("798", 798.0),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60.0),
        ("Tue, 14 Nov 2023 22:14:20 -0000", 60.0),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 30.0),
        ("Tue, 14 Nov 99999999999999999999 22:14:20 GMT", 30.0),
        ("9" * 5000, 30.0),
        ("86400", 3600.0),
        ("soon", 30.0),
        ("", 30.0),
        (None, 30.0),
    ],
)
def test_429_is_rate_limited_with_the_requested_pause_within_limits(header, expected):
    found = error(429, b'{"detail": "slow down"}', **({} if header is None else {"Retry-After": header}))
    assert isinstance(found, RateLimited)
    assert found.retry_after_s == expected


# JSON


def test_the_value_of_a_body():
    assert value(b'{"a": [1, null]}') == {"a": [1, None]}


@pytest.mark.parametrize("body", [b"", b"<html></html>", b'{"cut": [1, 2', b"\xff\xfe", b"NaN", b'{"a": "\xff"}'])
def test_a_body_that_is_not_json_is_malformed(body):
    with pytest.raises(MalformedAnswer, match="unexpected answer: not JSON") as caught:
        value(body, **{"Content-Type": "text/html; charset=utf-8"})
    assert "of text/html" in str(caught.value)


def test_the_content_type_in_an_error_is_one_short_line():
    with pytest.raises(MalformedAnswer) as caught:
        value(b"", **{"Content-Type": "\t" + "x" * 8000})
    assert len(str(caught.value)) < 2 * MAX_DETAIL


@pytest.mark.parametrize("levels", [MAX_DEPTH, 50])
def test_nested_json_is_parsed(levels):
    assert value(nested(levels)) == orjson.loads(nested(levels))


@pytest.mark.parametrize("levels", [2 * MAX_DEPTH + 1, 400, 1500, 100_000])
def test_json_nested_too_deep_is_malformed(levels):
    with pytest.raises(MalformedAnswer, match="nested deeper"):
        value(nested(levels))


json = st.recursive(
    st.none() | st.integers(-5, 5) | st.text(alphabet='[]{}"\\,:a\u00e9', max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='[]{}"\\', max_size=3), inner, max_size=4)
    ),
    max_leaves=40,
)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


@given(json, st.integers(1, 6))
def test_depth_is_exact_up_to_the_limit_and_certain_beyond_twice_the_limit(found, limit):
    text = orjson.dumps(found)
    if depth(found) <= limit:
        assert not is_nested_deeper(text, limit)
    if depth(found) > 2 * limit:
        assert is_nested_deeper(text, limit)


@given(st.binary(max_size=60), st.integers(1, 6))
def test_depth_of_anything_is_found_without_an_exception(text, limit):
    is_nested_deeper(text, limit)


# Entries


def entries(*texts: bytes) -> Entries:
    return Entries(msgspec.json.decode(b"[" + b",".join(texts) + b"]", type=list[msgspec.Raw]))


def test_entries_are_the_entries_of_the_list():
    found = entries(b'{"id": 1}', b'"name"', b'[1, {"a": null}]', b"null")
    assert list(found) == [{"id": 1}, "name", [1, {"a": None}], None]
    assert found[-1] is None
    assert found[1:3] == ["name", [1, {"a": None}]]
    assert found.text(2) == b'[1, {"a": null}]'


@pytest.mark.parametrize("text", [b'"\xff"', nested(2 * MAX_DEPTH + 1)])
def test_an_entry_that_is_not_json_or_too_deep_is_an_error_on_access(text):
    found = entries(b"1", text)
    assert found[0] == 1
    with pytest.raises(ValueError, match=r".+"):
        list(found)


# Text of a peer


@given(st.text())
def test_text_of_a_peer_becomes_one_short_printable_line(text):
    line = one_line(text)
    assert line.isprintable()
    assert len(line) <= MAX_DETAIL


# The boundary


@pytest.mark.parametrize("raised", [ValueError, OverflowError, RecursionError, TypeError, KeyError, MemoryError])
def test_every_exception_of_parsing_costs_the_answer_only(raised):
    status, payload = RestStatus("main"), "what the peer sent"
    boundary = AnswerBoundary(status)
    with capture_logs() as logs:
        for _ in range(3):
            with pytest.raises(MalformedAnswer, match=raised.__name__) as caught, boundary("/api/v1/x"):
                raise raised(payload)
    assert status.calls == {"malformed": 3}
    assert status.last_error == str(caught.value)
    assert caught.value.where == "/api/v1/x"
    (line,) = logs  # once per distinct error
    assert (line["event"], line["account"], line["path"]) == ("rest_answer_unexpected", "main", "/api/v1/x")
    assert "test_every_exception_of_parsing_costs_the_answer_only" in line["trace"]
    assert payload not in str(line)
    assert payload not in str(caught.value)


@pytest.mark.parametrize("raised", [Retryable("a"), Fatal("b", status=403), RateLimited(30.0)])
def test_an_error_of_the_call_passes_uncounted(raised):
    status = RestStatus("main")
    with pytest.raises(type(raised)) as caught, AnswerBoundary(status)("/api/v1/x"):
        raise raised
    assert caught.value is raised
    assert status.calls == {}


def test_a_malformed_answer_is_counted_once_by_all_boundaries_that_it_passes():
    status = RestStatus("main")
    boundary = AnswerBoundary(status)
    with pytest.raises(MalformedAnswer), boundary("/outer"), boundary("/inner"):
        raise MalformedAnswer("a list was expected")
    assert status.calls == {"malformed": 1}
