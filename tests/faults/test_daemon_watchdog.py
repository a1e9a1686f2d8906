"""The watchdog goes by real progress: a wedged stream ends its patience, a quiet organisation never does."""

import asyncio

import pytest

from collector.ingest.stream.transport import Closed
from collector.simulator.fleet import FleetPlan
from tests.support.house import keeping_house
from tests.support.streaming import real_turns

TIMES = {"ping_every_s": 60.0, "pong_within_s": 45.0}


class Wedged:
    """A connection that ends and whose closing never returns: its stream hangs, and the event loop turns on."""

    async def frames(self, _on_frames, _on_pong):
        return Closed(1001)

    async def send(self, _text):
        return

    async def ping(self):
        return

    async def close(self):
        await asyncio.Event().wait()


async def wedging(_url, _headers):
    return Wedged()


async def healthy(house):
    status, text = await house.get("/-/healthy")
    return status, text.splitlines()


async def test_a_wedged_stream_makes_the_daemon_unhealthy(tmp_path):
    async with keeping_house(tmp_path, connect=wedging, **TIMES) as house:
        await house.until(lambda: house.connects() == 1 and house.disconnects())
        await house.pass_time(30)
        assert await healthy(house) == (200, ["healthy"])
        await house.pass_time(60)
        status, (reason,) = await healthy(house)
        assert status == 503
        assert reason.startswith("connection main/0 is waiting and has shown no activity for ")
        assert house.daemon.liveness.stuck() == [reason]


async def test_a_quiet_organisation_is_healthy(tmp_path):
    async with keeping_house(tmp_path, plan=FleetPlan(sites=1, aps=0), **TIMES) as house:
        await house.settled()
        pongs_before = house.daemon.connections[0].alive_at
        for _ in range(120):  # half an hour without a frame; the cloud answers each ping
            await house.clock.advance(15)
            await real_turns()
        assert house.daemon.connections[0].alive_at > pongs_before
        assert await healthy(house) == (200, ["healthy"])
        assert set(house.disconnects()) <= {"silent"}  # a new connection now and then, in case the feed is frozen


@pytest.mark.parametrize("fault", [{"kind": "stream_down"}, {"kind": "handshake_status", "status": 403}])
async def test_a_cloud_in_trouble_is_no_reason(tmp_path, fault):
    async with keeping_house(tmp_path, **TIMES) as house:
        await house.settled()
        await house.cloud.fault(**fault)
        if fault["kind"] != "stream_down":
            await house.cloud.stream.stop(1001)
            await house.cloud.stream.start()
        await house.until(lambda: house.daemon.connections[0].state != "open")
        await house.pass_time(1200, step_s=15)
        assert await healthy(house) == (200, ["healthy"])
