import asyncio
import socket

import pytest

from collector.simulator.cloud import FakeCloud


async def test_everything_is_closed_afterwards(make_options, session):
    async with FakeCloud(make_options()) as cloud:
        ports = [int(url.split(":")[2].split("/")[0]) for url in (cloud.api_url, cloud.stream_url, cloud.control_url)]
        assert len(set(ports)) == 3
    for port in ports:
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection("127.0.0.1", port)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_two_clouds_of_one_seed_say_the_same(make_options):
    said = []
    for _ in range(2):
        async with FakeCloud(make_options()) as cloud:
            await cloud.advance(120)
            said.append((cloud.atlas.truths(), cloud.ledger.summary()["webhooks"]))
    assert said[0] == said[1]


async def test_a_port_that_is_taken_fails_at_once_and_leaves_nothing_behind(make_options):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="address already in use"):
        async with FakeCloud(make_options(control_port=taken.getsockname()[1])):
            pass
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_fault_of_its_own_life_ends_it_with_that_error(make_options, monkeypatch):
    def stumble(_):
        raise RuntimeError("the fleet stumbled")

    async def live():
        async with FakeCloud(make_options(tick_s=0.001)) as cloud:
            monkeypatch.setattr(cloud.fleet, "step", stumble)
            await cloud.run()

    with pytest.raises(ExceptionGroup) as ended:
        await live()
    assert ended.group_contains(RuntimeError, match="stumbled")


async def test_long_lives_are_heard_in_order(make_options):
    async with FakeCloud(make_options()) as cloud:
        heard = []
        publish = cloud._publish
        cloud._publish = lambda emission: (heard.append(emission.at), publish(emission))
        await cloud.advance(300)
    assert heard == sorted(heard)
    assert heard[-1] > heard[0] + 200


async def test_advance_lives_the_same_as_small_steps(make_options):
    truths = []
    for steps in (1, 60):
        async with FakeCloud(make_options()) as cloud:
            for _ in range(steps):
                await cloud.advance(60 / steps)
            truths.append(cloud.atlas.truths())
    assert truths[0] == truths[1]
