"""Which connections are admitted, evicted and closed, without sockets."""

import asyncio

import pytest

from collector.listener.client_address import AuthenticatedSources
from collector.listener.connection_limits import ConnectionLimiter, ConnectionLimits


class Limited:
    """A limiter, and what it reported."""

    def __init__(self, *, exempt=lambda _: False, **limits):
        self.closed, self.counts, self.aborted = [], [], []
        self.authenticated = AuthenticatedSources(lambda: 0.0)
        self.limiter = ConnectionLimiter(
            ConnectionLimits(**limits),
            self.closed.append,
            authenticated=self.authenticated,
            exempt=exempt,
            on_count=self.counts.append,
        )

    def admit(self, address="192.0.2.1", *, idle=True):
        connection = self.limiter.admit(address)
        if connection is not None:
            connection.abort = lambda: self.aborted.append(connection)
            if idle:
                connection.wait_for_first_request()
        return connection

    def admit_many(self, number, **how):
        return [self.admit(f"198.51.100.{n}", **how) for n in range(number)]


async def test_one_source_has_its_share():
    limited = Limited(max_connections=100, max_per_source=3)
    admitted = [limited.admit("2001:db8::1"), limited.admit("2001:db8::2"), limited.admit("2001:db8::3")]
    assert None not in admitted
    assert limited.admit("2001:db8::4") is None
    assert limited.admit("2001:db8:0:1::1") is not None
    admitted[0].release()
    assert limited.admit("2001:db8::4") is not None
    assert limited.closed == ["too_many"]
    assert limited.counts == [1, 2, 3, 4, 3, 4]


async def test_a_reverse_proxy_is_exempt_from_the_share():
    limited = Limited(max_connections=100, max_per_source=3, exempt=lambda address: address == "192.0.2.1")
    assert None not in [limited.admit("192.0.2.1") for _ in range(20)]


async def test_the_longest_idle_connection_makes_room():
    limited = Limited(max_connections=8)
    first, second, *_ = limited.admit_many(7)
    limited.limiter.note_idle(first)  # idle since now
    new = limited.admit()
    assert new is not None
    assert limited.aborted == [second]
    assert limited.closed == ["evicted"]
    assert not second.is_open
    assert limited.limiter.open == 7, "one place in eight is reserved"


async def test_requests_in_flight_are_not_evicted():
    limited = Limited(max_connections=8)
    busy = limited.admit_many(7)
    for connection in busy:
        connection.begin_request()
    assert limited.admit() is None
    busy[3].end_request()
    assert limited.admit() is not None
    assert limited.aborted == [busy[3]]


async def test_an_authenticated_source_gets_in_when_others_fill_all_places():
    limited = Limited(max_connections=16)
    for connection in limited.admit_many(14):
        connection.begin_request()
    assert limited.admit() is None
    limited.authenticated.add("192.0.2.1")
    assert limited.admit() is not None
    assert limited.admit("198.51.100.99") is None, "the rest is not for others"
    assert limited.closed == ["too_many", "too_many"]


async def test_an_authenticated_source_keeps_to_its_share():
    limited = Limited(max_connections=16, max_per_source=2)
    limited.authenticated.add("192.0.2.1")
    assert [limited.admit() is not None for _ in range(3)] == [True, True, False]


async def test_idle_connections_of_authenticated_sources_are_evicted_last():
    limited = Limited(max_connections=16)
    scraper = limited.admit()
    scraper.note_authenticated()
    others = limited.admit_many(14)
    assert limited.admit("203.0.113.1") is not None
    assert limited.aborted == [others[0]]
    for connection in others[1:]:
        connection.begin_request()
    assert limited.admit("203.0.113.2") is not None
    assert scraper.is_open
    assert "192.0.2.1" in limited.authenticated


async def test_authenticated_connections_make_room_for_a_new_source():
    limited = Limited(max_connections=8)
    first, *others = limited.admit_many(7)
    for connection in (first, *others):
        connection.note_authenticated()
    eighth = limited.admit()
    assert eighth is not None
    eighth.note_authenticated()
    assert limited.admit("203.0.113.1") is not None
    assert limited.aborted == [first]


@pytest.mark.parametrize(("received", "reason"), [(False, "idle"), (True, "slow_head")])
async def test_the_first_request_has_a_timeout(received, reason):
    limited = Limited(first_request_timeout_s=0.01)
    connection = limited.admit()
    if received:
        connection.note_received()
    while connection.is_open:  # noqa: ASYNC110 - a plain record
        await asyncio.sleep(0.001)
    assert limited.closed == [reason]
    assert limited.aborted == [connection]


async def test_the_tls_handshake_has_a_timeout_of_its_own():
    limited = Limited(first_request_timeout_s=3600.0, tls_handshake_timeout_s=0.01)
    connection = limited.admit()
    connection.wait_for_handshake()
    while connection.is_open:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.001)
    assert limited.closed == ["tls_handshake_timeout"]


async def test_between_requests_the_keepalive_timeout_applies():
    limited = Limited(first_request_timeout_s=3600.0, keepalive_timeout_s=0.01)
    connection = limited.admit()
    connection.begin_request()
    connection.end_request()
    while connection.is_open:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.001)
    assert limited.closed == ["idle"]


async def test_a_request_in_flight_has_no_timeout():
    limited = Limited(first_request_timeout_s=0.01, keepalive_timeout_s=0.01)
    busy, idle = limited.admit(), limited.admit()
    busy.begin_request()
    while idle.is_open:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.005)
    assert busy.is_open
    busy.end_request()
    while busy.is_open:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.001)


async def test_a_place_is_given_back_once():
    limited = Limited()
    connection = limited.admit()
    connection.release()
    connection.release()
    connection.close("idle")
    connection.begin_request()
    connection.end_request()
    assert limited.limiter.open == 0
    assert limited.closed == []
    assert await limited.limiter.drain(0.0)


async def test_drain_waits_for_requests_in_flight():
    limited = Limited()
    connection, _idle = limited.admit(), limited.admit()
    connection.begin_request()
    assert not await limited.limiter.drain(0.001)
    drained = asyncio.ensure_future(limited.limiter.drain(20.0))
    await asyncio.sleep(0)
    assert not drained.done()
    connection.end_request()
    assert await drained


async def test_all_connections_can_be_aborted():
    limited = Limited()
    admitted = {limited.admit(), limited.admit("192.0.2.2")}
    limited.limiter.abort_all()
    assert set(limited.aborted) == admitted
    assert (limited.limiter.open, limited.closed) == (0, [])
