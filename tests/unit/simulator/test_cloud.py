import asyncio
import socket

import pytest

from collector.simulator.cloud import FakeCloud
from tests.support.stream_client import connect_to


async def test_everything_is_closed_afterwards(make_options, session):
    async with FakeCloud(make_options()) as cloud:
        ports = [int(url.split(":")[2].split("/")[0]) for url in (cloud.api_url, cloud.stream_url, cloud.control_url)]
        assert len(set(ports)) == 3
    for port in ports:
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection("127.0.0.1", port)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_clouds_with_equal_seeds_have_equal_states_and_events(make_options):
    results = []
    for _ in range(2):
        async with FakeCloud(make_options()) as cloud:
            await cloud.advance(120)
            results.append((cloud.directory.truths(), cloud.ledger.summary()["webhooks"]))
    assert results[0] == results[1]


async def test_a_port_in_use_fails_at_once_and_leaves_no_task(make_options):
    with socket.create_server(("127.0.0.1", 0)) as used, pytest.raises(OSError, match="address already in use"):
        async with FakeCloud(make_options(control_port=used.getsockname()[1])):
            pass
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_exception_of_the_simulation_ends_the_context(make_options, monkeypatch):
    def fail(_):
        raise RuntimeError("step failed")

    async def run():
        async with FakeCloud(make_options(tick_s=0.001)) as cloud:
            monkeypatch.setattr(cloud.fleet, "step", fail)
            await cloud.run()

    with pytest.raises(ExceptionGroup) as ended:
        await run()
    assert ended.group_contains(RuntimeError, match="step failed")


async def test_a_half_open_connection_does_not_delay_the_end(make_options):
    async with FakeCloud(make_options()) as cloud:
        client = await connect_to(cloud, ping_interval=None)
        await cloud.fault("half_open")
    await client.wait_closed()


async def test_webhooks_of_the_options_are_created_for_orgs_and_sites(make_options):
    options = make_options(webhook_url="http://127.0.0.1:1/webhook", webhook_secret="s3cret", webhook_on_sites=True)
    async with FakeCloud(options) as cloud:
        for org in cloud.directory.orgs():
            (webhook,) = cloud.webhooks.owned(org["id"], None)
            assert webhook.secret == "s3cret"
            assert all(len(cloud.webhooks.owned(org["id"], site["id"])) == 1 for site in cloud.fleet.sites(org["id"]))
