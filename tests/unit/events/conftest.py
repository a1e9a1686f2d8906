"""Histories of both kinds, on a real disk and in memory."""

import pytest

from collector.events.history import History, HistoryOptions
from collector.events.memory import MemoryHistory
from tests.support.events import START

NOW = START + 3600


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "events.db"


@pytest.fixture
async def history(path):
    async with History(path, HistoryOptions(headroom_bytes=0), unix_time=lambda: NOW) as opened:
        yield opened


@pytest.fixture(params=["file", "memory"])
async def either(request, path):
    if request.param == "memory":
        async with MemoryHistory(["location*"]) as opened:
            yield opened
    else:
        options = HistoryOptions(headroom_bytes=0, excluded_topics=("location*",))
        async with History(path, options, unix_time=lambda: NOW) as opened:
            yield opened
