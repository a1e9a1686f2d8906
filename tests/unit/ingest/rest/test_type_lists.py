"""The words that Mist publishes."""

import asyncio
import random
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from collector.errors import Fatal, Retryable
from collector.ingest.rest.type_lists import EVERY_S, FIRST_RETRY_S, TypeLists
from collector.status import RestStatus
from tests.support.clock import ManualClock


class Lists:
    """Answers every list with its own name as its only word, unless told otherwise."""

    def __init__(self):
        self.status = RestStatus("main")
        self.errors = {}
        self.called = []

    async def get(self, path):
        self.called.append(path)
        if path in self.errors:
            raise self.errors[path]
        return [{"key": path.rpartition("/")[2]}]


@asynccontextmanager
async def reading(**errors):
    """Lists being read, of which some have an error (by their last name)."""
    clock, rest, words = ManualClock(), Lists(), {}
    rest.errors = {f"/const/{name}": error for name, error in errors.items()}
    task = asyncio.create_task(TypeLists(rest, words.__setitem__, clock, rng=random.Random(7)).run())
    await clock.advance(0)
    yield clock, rest, words
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_read_at_start_and_once_a_day():
    async with reading() as (clock, rest, words):
        assert words == {
            "": ("webhook_topics",),
            "alarms": ("alarm_defs",),
            "device-events": ("device_events",),
            "mxedge-events": ("mxedge_events",),
            "nac-events": ("nac_events",),
            "client-events": ("client_events",),
        }
        await clock.advance(EVERY_S - 1)
        assert len(rest.called) == 6
        await clock.advance(1)
        assert len(rest.called) == 12


async def test_a_list_that_cannot_be_had_is_tried_again_and_told_once():
    with capture_logs() as logs:
        async with reading(alarm_defs=Retryable("trouble")) as (clock, rest, words):
            assert len(words) == 5
            await clock.advance(FIRST_RETRY_S)
            assert len(rest.called) == 12
            rest.errors.clear()
            await clock.advance(2 * FIRST_RETRY_S)
    assert words["alarms"] == ("alarm_defs",)
    assert [entry["event"] for entry in logs] == ["type_lists_failed", "type_lists_recovered"]


async def test_a_list_that_this_cloud_does_not_have_waits_for_tomorrow():
    async with reading(nac_events=Fatal("not found", status=404)) as (clock, rest, words):
        await clock.advance(EVERY_S - 1)
        assert len(rest.called) == 6
        assert len(words) == 5
