"""A stream pool and a misbehaving cloud."""

from contextlib import AsyncExitStack

import pytest

from collector.ingest.stream.websocket import WebSocketConnect
from tests.support.clock import ManualClock
from tests.support.faults import fault  # noqa: F401 - a fixture
from tests.support.misbehaving import MisbehavingCloud
from tests.support.streaming import PoolUnderTest, running


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def connect(clock):
    return WebSocketConnect(clock, close_timeout_s=0.2)


@pytest.fixture
async def cloud():
    async with MisbehavingCloud() as cloud:
        yield cloud


@pytest.fixture
async def start(cloud, connect, clock):
    """A function that starts a pool on channels; every pool ends with the test."""
    async with AsyncExitStack() as stack:

        async def start(channels, *, url="", **settings):
            pool = PoolUnderTest(url or cloud.url, connect, clock, **settings)
            return await stack.enter_async_context(running(pool, channels))

        yield start
