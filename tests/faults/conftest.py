"""A pool against a misbehaving cloud, over either transport."""

from contextlib import AsyncExitStack

import pytest

from collector.ingest.stream import transports
from tests.support.clock import ManualClock
from tests.support.faults import fault  # noqa: F401 - a fixture
from tests.support.misbehaving import MisbehavingCloud
from tests.support.streaming import Watched, running


@pytest.fixture(params=transports.NAMES)
async def connect(request):
    async with transports.by_name(request.param)(close_within_s=0.2) as connect:
        yield connect


@pytest.fixture
async def cloud():
    async with MisbehavingCloud() as cloud:
        yield cloud


@pytest.fixture
async def start(cloud, connect):
    """A function that starts a pool on channels; every pool ends with the test."""
    async with AsyncExitStack() as stack:

        async def start(channels, **settings):
            watched = Watched(cloud.url, connect, ManualClock(), **settings)
            return await stack.enter_async_context(running(watched, channels))

        yield start
