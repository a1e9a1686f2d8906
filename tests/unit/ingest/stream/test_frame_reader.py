"""The limits of a connection; tests/faults play frames of every form over real sockets."""

import pytest

from collector.ingest.stream.frame_reader import (
    CONTROL_FRAMES_BURST,
    CONTROL_FRAMES_PER_S,
    ControlFrameLimit,
    HandshakeRejected,
    _rejection,
)


def permitted(limit, count, now):
    return sum(limit.permits(now) for _ in range(count))


def test_a_burst_of_control_frames_then_a_rate():
    limit = ControlFrameLimit(1000.0)
    assert permitted(limit, 10_000, 1000.0) == CONTROL_FRAMES_BURST
    assert permitted(limit, 10_000, 1003.0) == 3 * CONTROL_FRAMES_PER_S
    assert permitted(limit, 10_000, 9999.0) == CONTROL_FRAMES_BURST


def test_a_moderate_rate_is_permitted_for_any_time():
    limit = ControlFrameLimit(0.0)
    assert all(limit.permits(number / CONTROL_FRAMES_PER_S) for number in range(10_000))


@pytest.mark.parametrize(
    ("head", "status", "retry_after"),
    [
        (b"HTTP/1.1 401 Unauthorized\r\n\r\n", 401, None),
        (b"HTTP/1.0 429 Slow\r\nretry-AFTER:  7 \r\nX\r\n\r\n", 429, "7"),
        (b"HTTP/1.1 101\r\n\r\n", 101, None),
        (b"HTTP/1.1 503\r\nRetry-After: 1\r\nRetry-After: 2\r\n\r\n", 503, "2"),
        (b"HTTP/1.1 302 \xff\xfe\r\nLocation: \xff\r\n\r\n", 302, None),
    ],
)
def test_the_head_of_a_rejection(head, status, retry_after):
    rejected = _rejection(head)
    assert isinstance(rejected, HandshakeRejected)
    assert (rejected.status, rejected.headers.get("Retry-After")) == (status, retry_after)


@pytest.mark.parametrize(
    "head",
    [b"\r\n\r\n", b"HTTP/2 401 No\r\n\r\n", b"HTTP/1.1 4010 No\r\n\r\n", b"HTTP/1.1 999 No\r\n\r\n", b"200 OK\r\n\r\n"],
)
def test_a_head_that_is_not_http(head):
    assert not isinstance(_rejection(head), HandshakeRejected)
