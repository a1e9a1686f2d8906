"""Faults of the network: partial frames, name resolution, certificates, many connections at once."""

import asyncio
import itertools
import socket
import ssl

import aiohttp.connector
import pytest

from collector.errors import Fatal, Retryable
from tests.support.certificates import Authority
from tests.support.faults import of_status
from tests.support.misbehaving import MisbehavingCloud, device_channels, until
from tests.support.rest_cloud import RestCloud, rest_of
from tests.support.streaming import PoolUnderTest, all_up, real_turns, running

A, B = device_channels(2)
BREAKS = "mist_collector_connection_breaks_total"
HALF_A_FRAME = b"\x81\x7e\x10\x00" + b'{"event": "data"'  # a text frame of 4096 bytes, of which these are the first


@pytest.mark.fault(
    "Stream",
    "A frame stalls in the middle and never ends",
    held="The partial frame is not handled. The connection is closed when a ping is not answered.",
)
async def test_a_frame_that_stalls_in_the_middle(cloud, start, fault):
    pool = await start([A, B])
    await all_up(pool)
    cloud.write_raw(HALF_A_FRAME)
    took = await pool.pass_until(lambda: pool.connection.disconnects)
    fault.right_after(took, 106)
    fault.told(pool.samples(), BREAKS, reason="pong_timeout")
    await pool.pass_until(pool.all_up)
    assert pool.payloads == []
    assert pool.balanced()


@pytest.mark.fault(
    "Stream",
    "The connection is lost in the middle of a frame",
    held="The partial frame is discarded. Messages on the next connection are handled.",
)
async def test_a_frame_that_is_cut(cloud, start, fault):
    pool = await start([A])
    await all_up(pool)
    cloud.write_raw(HALF_A_FRAME)
    await real_turns()
    cloud.cut_all()
    await until(lambda: pool.connection.disconnects)
    fault.right_after(await pool.pass_until(pool.all_up), 5)
    await cloud.publish(A, "{}")
    await until(lambda: pool.payloads)
    assert pool.payloads == [(A, "{}")]
    fault.told(pool.samples(), BREAKS, reason="lost")
    fault.logged("stream_disconnected", reason="lost")


@pytest.mark.fault(
    "Stream",
    "The received bytes are not a WebSocket frame",
    held="The connection is closed and replaced.",
)
async def test_bytes_that_are_no_frame(cloud, start, fault):
    pool = await start([A])
    await all_up(pool)
    cloud.write_raw(b"\xff" * 64)
    await until(lambda: pool.connection.disconnects)
    (reason,) = pool.connection.disconnects
    assert reason in {"closed_1002", "lost", "closed_1006"}
    fault.right_after(await pool.pass_until(pool.all_up), 5)
    fault.told(pool.samples(), BREAKS)


@pytest.mark.fault(
    "Subscriptions",
    "An acknowledgement for a channel that was not requested",
    held="It is counted and changes no subscription.",
)
async def test_an_acknowledgement_for_another_channel(cloud, start, fault):
    cloud.hold_acks = {A}
    pool = await start([A])
    await until(lambda: pool.states() == {A: "sent"})
    await cloud.broadcast(event="channel_subscribed", channel=B)
    await until(lambda: pool.frames.received == 1)
    assert pool.states() == {A: "sent"}
    fault.told(pool.samples(), "mist_collector_subscriptions", state="sent")
    fault.told(pool.samples(), "mist_collector_stream_frames_received_total")
    await cloud.release()
    await all_up(pool)


@pytest.mark.fault(
    "Stream",
    "1,000 sites on 20 connections lose all connections at once",
    held="All connections are re-established, with no more than four handshakes a second.",
)
async def test_a_thousand_sites_reconnect_at_a_pace(cloud, start, fault):
    channels = device_channels(1000)
    pool = await start(channels, max_channels=50)
    await pool.pass_until(pool.all_up, step_s=0.25)
    assert len(pool.statuses) == 20
    cloud.cut_all()
    await until(lambda: all(status.disconnects for status in pool.statuses))
    began, opened = pool.clock.now(), []

    def back():
        opened.append(len(cloud.handshakes))
        return pool.all_up()

    await pool.pass_until(back, step_s=0.25, limit_s=60)
    fault.right_after(pool.clock.now() - began, 40)
    steps = [later - earlier for earlier, later in itertools.pairwise(opened)]
    assert max(sum(steps[at : at + 4]) for at in range(len(steps))) <= 4, "handshakes in any second"
    assert len(cloud.handshakes) == 40
    fault.told(pool.samples(), BREAKS, at_least=20, reason="lost")
    fault.told(pool.samples(), "mist_collector_subscriptions", at_least=1000, state="up")


# Names


@pytest.mark.fault(
    "Stream",
    "The stream host name cannot be resolved",
    held="The collector retries with backoff and connects when the name resolves again.",
)
async def test_no_name_server_for_the_stream(cloud, connect, clock, monkeypatch, fault):
    gone = without_names(monkeypatch)
    gone.append(True)
    pool = PoolUnderTest(cloud.url.replace("127.0.0.1", "localhost"), connect, clock)
    async with running(pool, [A]):
        await pool.pass_until(lambda: pool.disconnects() >= 3)
        gone.clear()
        fault.right_after(await pool.pass_until(pool.all_up), 40)
    fault.told(pool.samples(), BREAKS, at_least=3, reason="connect_failed")
    fault.logged("stream_disconnected", reason="connect_failed")


@pytest.mark.fault(
    "REST",
    "The REST host name cannot be resolved",
    held="The call is retried, then fails with a transient error. The next call succeeds when the name resolves again.",
)
async def test_no_name_server_for_rest(monkeypatch, fault):
    gone = without_names(monkeypatch)
    gone.append(True)
    async with RestCloud() as cloud:
        cloud.answer("/self", {"privileges": []})
        async with rest_of(cloud.url.replace("127.0.0.1", "localhost")) as rest:
            with pytest.raises(Retryable):
                await rest.get("/self")
            gone.clear()
            assert await rest.get("/self") == {"privileges": []}
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", at_least=4, outcome="retry")


def without_names(monkeypatch):
    """A list; while it holds anything, no name is resolved."""
    loop = asyncio.get_running_loop()
    ask, gone = loop.getaddrinfo, []

    async def getaddrinfo(*arguments, **more):
        if gone:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return await ask(*arguments, **more)

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
    return gone


# Certificates


def serving(pair):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    return context


@pytest.mark.fault(
    "Stream",
    "The certificate of the stream server is not trusted, or is for another name",
    held="No token is sent. The connection state gives the certificate error.",
)
@pytest.mark.parametrize("name", ["127.0.0.1", "another.example"])
async def test_a_certificate_that_is_not_trusted(tmp_path, connect, clock, name, fault):
    async with MisbehavingCloud(serving(Authority(tmp_path).issue(name))) as cloud:
        pool = PoolUnderTest(cloud.url, connect, clock)
        async with running(pool, [A]):
            await until(lambda: pool.connection.disconnects)
            assert cloud.handshakes == []
            assert "certificate" in pool.connection.last_disconnect
            fault.told(pool.samples(), BREAKS)
            fault.logged("stream_disconnected")


@pytest.mark.fault(
    "REST",
    "The certificate of the REST server has expired",
    held="No token is sent. The error gives the reason.",
)
async def test_an_expired_certificate(tmp_path, fault):
    authority = Authority(tmp_path)
    aiohttp.connector._SSL_CONTEXT_VERIFIED.load_verify_locations(authority.file)  # its key dies with this test
    for days, works in ((1, True), (-1, False)):
        pair = authority.issue("127.0.0.1", days=days, file=f"server{days}")
        async with RestCloud(tls=serving(pair)) as cloud, rest_of(cloud.url) as rest:
            cloud.answer("/self", {"privileges": []})
            if works:
                assert await rest.get("/self") == {"privileges": []}
                continue
            with pytest.raises(Fatal, match="certificate"):
                await rest.get("/self")
            assert cloud.calls == []
    assert "expired" in rest.status.last_error
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome="refused")
