"""Connections are replaced while their channels change, they disconnect, or the new one does not come up."""

import asyncio

from tests.support.misbehaving import device_channels, until
from tests.support.streaming import all_up, real_turns

A, B, C = device_channels(3)


async def rotating(pool):
    """Start a rotation and return its task."""
    task = asyncio.ensure_future(pool.pool.rotate())
    await real_turns()
    return task


async def done(pool, task):
    await pool.pass_until(task.done, limit_s=200)
    return await task


async def test_the_new_connection_takes_the_place_of_the_old(cloud, start):
    pool = await start([A, B])
    await all_up(pool)
    assert await done(pool, await rotating(pool)) is True
    await until(lambda: len(cloud.connections) == 1)
    assert (pool.connection.name, pool.connection.connects, pool.connection.disconnects) == ("main/0", 2, {})
    assert pool.states() == {A: "up", B: "up"}
    await cloud.publish(A, "{}")
    await until(lambda: pool.payloads)
    assert pool.payloads == [(A, "{}")]
    assert pool.connection.frames == pool.frames.received


async def test_channels_change_while_the_new_connection_comes_up(cloud, start):
    pool = await start([A, B])
    await all_up(pool)
    cloud.hold_acks = {B}
    task = await rotating(pool)
    await pool.pass_until(lambda: len(cloud.connections) == 2, step_s=0.2)
    pool.pool.set_channels([A, C])
    await cloud.release()
    cloud.hold_acks = set()
    assert await done(pool, task) is True
    await pool.pass_until(pool.all_up)
    assert pool.states() == {A: "up", C: "up"}
    await until(lambda: [set(channels) for channels in cloud.subscribed.values()] == [{A, C}])
    pool.pool.set_channels([C])
    await until(lambda: [set(channels) for channels in cloud.subscribed.values()] == [{C}])


async def test_the_old_connection_breaks_while_the_new_one_comes_up(cloud, start):
    pool = await start([A])
    await all_up(pool)
    cloud.hold_acks = {A}
    task = await rotating(pool)
    await pool.pass_until(lambda: len(cloud.connections) == 2, step_s=0.2)
    cloud.connections[0].transport.abort()
    await until(lambda: pool.connection.disconnects)
    cloud.hold_acks = set()
    for connection in cloud.connections:
        cloud.subscribed[connection].add(A)
    await cloud.broadcast(event="channel_subscribed", channel=A)
    assert await done(pool, task) is True
    await pool.pass_until(pool.all_up)
    await until(lambda: len(cloud.connections) == 1)


async def test_a_new_connection_that_does_not_come_up_is_closed(cloud, start):
    pool = await start([A], silent_after_s=9999.0)
    await all_up(pool)
    cloud.ignore_handshakes = True
    assert await done(pool, await rotating(pool)) is False
    cloud.ignore_handshakes = False
    assert (pool.connection.state, pool.connection.connects, pool.connection.disconnects) == ("open", 1, {})
    await until(lambda: len(cloud.connections) == 1)
    await cloud.publish(A, "{}")
    await until(lambda: pool.payloads)


async def test_two_rotations_follow_one_another(cloud, start):
    pool = await start([A])
    await all_up(pool)
    first, second = await rotating(pool), await rotating(pool)
    assert [await done(pool, first), await done(pool, second)] == [True, True]
    assert pool.connection.connects == 3
    await until(lambda: len(cloud.connections) == 1)


async def test_a_connection_that_is_not_open_is_retried(cloud, start):
    cloud.answer = (401, {})
    pool = await start([A])
    await until(lambda: pool.connection.state == "refused")
    cloud.answer = None
    assert await done(pool, await rotating(pool)) is True
    await pool.pass_until(pool.all_up, limit_s=2)
