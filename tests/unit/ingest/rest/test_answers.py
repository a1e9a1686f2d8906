"""HTTP answers, judged."""

from __future__ import annotations

import orjson
import pytest

from collector.errors import Fatal, RateLimited, Retryable
from collector.ingest.rest.answers import LARGE_BODY, Entries, body_of, retry_after_s

UNIX = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


def judged(status: int, body: bytes = b"", **headers: str) -> object:
    return body_of(status, headers, body, where="/api/v1/self", unix=UNIX)


def test_a_good_answer_is_its_json():
    assert judged(200, b'{"a": [1, null]}') == {"a": [1, None]}


def large(*odd: bytes) -> bytes:
    """A list too large to be parsed at once, with odd entries at its end."""
    number = LARGE_BODY // 8
    return b"[" + b",".join([b'{"id":%d}' % at for at in range(number)] + list(odd)) + b"]"


def test_a_long_list_is_the_same_list():
    body = large(b'"word"', b'[1, {"a": null}]', b"null")
    found = judged(200, body)

    assert isinstance(found, Entries)
    assert list(found) == orjson.loads(body)
    assert found[-1] is None
    assert found[1:3] == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize("body", [large()[:-1], large()[:-20], large(b"nonsense"), large() + b"]"])
def test_a_long_list_that_is_cut_off_or_wrong_is_retried(body):
    with pytest.raises(Retryable, match="not JSON"):
        judged(200, body)


def test_an_entry_that_is_no_text_is_retried_when_it_is_looked_at():
    found = judged(200, large(b'"\xff"'))

    with pytest.raises(Retryable, match="not JSON"):
        list(found)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 418, 301, 302, 308, 204])
def test_what_no_retry_heals_is_fatal(status):
    with pytest.raises(Fatal) as caught:
        judged(status, b'{"detail": "No."}')
    assert caught.value.status == status
    assert caught.value.where == "/api/v1/self"


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599, 408, 425])
def test_trouble_of_the_cloud_is_retried(status):
    with pytest.raises(Retryable) as caught:
        judged(status, b"<html>Bad gateway</html>")
    assert caught.value.status == status


@pytest.mark.parametrize("body", [b"", b"<html></html>", b'{"cut": [1, 2', b"\xff\xfe", b"NaN"])
def test_a_good_status_without_json_is_retried(body):
    with pytest.raises(Retryable, match="not JSON"):
        judged(200, body)


def test_the_error_says_what_mist_said_on_one_short_line():
    with pytest.raises(Fatal) as caught:
        judged(401, b'{"detail": "Invalid\\n token ' + b"x" * 5000 + b'"}')
    text = str(caught.value)
    assert text.startswith("/api/v1/self: the token is not accepted")
    assert "Invalid token xxx" in text
    assert len(text) < 400
    assert "\n" not in text


@pytest.mark.parametrize("body", [b"[]", b'{"detail": 7}', b"{}", b"nothing"])
def test_an_error_without_a_detail_is_explained_all_the_same(body):
    with pytest.raises(Fatal, match="no right to read this"):
        judged(403, body)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("798", 798.0),
        (" 2.5 ", 2.5),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60.0),
        ("Tue, 14 Nov 2023 22:14:20 -0000", 60.0),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 1.0),
        ("0", 1.0),
        ("-5", 1.0),
        ("86400", 3600.0),
        ("inf", 3600.0),
        ("nan", 30.0),
        ("soon", 30.0),
        ("", 30.0),
        (None, 30.0),
    ],
)
def test_retry_after_is_read_in_both_forms_and_kept_sane(header, expected):
    assert retry_after_s(header, UNIX) == expected


def test_a_429_is_rate_limited():
    with pytest.raises(RateLimited) as caught:
        judged(429, b'{"detail": "slow down"}', **{"Retry-After": "798"})
    assert caught.value.retry_after_s == 798.0
