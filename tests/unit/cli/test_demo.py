"""`demo`: its options, and the configuration that it writes. tests/e2e/test_demo_command.py runs it."""

import dataclasses

import pytest

from collector import config
from collector.cli import demo, exits
from collector.errors import UsageError
from collector.listener.address import ListenAddress
from collector.simulator.cloud import FakeCloud


def test_options(invoke, monkeypatch):
    seen = []

    async def run(options):
        seen.append(options)

    monkeypatch.setattr(demo, "run_demo", run)
    invoke("demo", "--no-prometheus", "--server-listen", "[::1]:1", "--scenario", "noise@1")
    assert seen == [demo.DemoOptions(prometheus=False, server_listen=ListenAddress("::1", 1), scenarios=("noise@1",))]
    message = invoke("demo", "--webhook-listen", "nowhere", code=exits.USAGE).stderr
    assert "'--webhook-listen': nowhere must be host:port, e.g. 127.0.0.1:9733" in message


async def test_the_configuration_of_the_daemon(tmp_path):
    options = demo.DemoOptions(sites=1, aps=1)
    async with FakeCloud(demo._cloud_options(options)) as cloud:
        loaded = config.load(demo._write_configuration(options, cloud, tmp_path), {})
    assert loaded.warnings == ()
    assert loaded.accounts[0].read_token() == cloud.options.token
    assert loaded.server.listen == options.server_listen
    assert loaded.streams.location.clients


async def test_an_unknown_scenario():
    async with FakeCloud(demo._cloud_options(demo.DemoOptions(sites=1, aps=1))) as cloud:
        with pytest.raises(UsageError, match=r"--scenario .*nonsense"):
            demo._begin_scenarios(cloud, ("nonsense",))


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ({}, "3 sites, 30 access points, 3 switches, 3 gateways, 1 Mist Edge"),
        ({"sites": 1, "aps": 1, "switches": 0, "gateways": 0, "mxedges": 2}, "1 site, 1 access point, 2 Mist Edges"),
    ],
)
def test_the_size_of_the_fleet(counts, text):
    assert demo._fleet(dataclasses.replace(demo.DemoOptions(), **counts)) == text
