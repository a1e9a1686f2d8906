"""The newest events in memory, and how both kinds of history serve outputs: reading, waiting, cursors."""

import asyncio
import sqlite3

import pytest

from collector.event import Event
from collector.event_query import StoredEvent
from collector.events import schema, tail
from collector.events.history import History, HistoryOptions
from collector.events.tail import Tail
from tests.support.events import START


def event(number, text=""):
    return Event(id=f"{number:032x}", time=START + number, received=START + number + 1, topic="alarms", text=text)


def opened(path):
    return History(path, HistoryOptions(headroom_bytes=0), unix_time=lambda: START + 60)


def stored(first, last, text=""):
    return [StoredEvent(seq, event(seq, text)) for seq in range(first, last + 1)]


def test_events_after_a_number_are_read_oldest_first():
    own = Tail(10)
    own.add(stored(11, 15))
    assert [one.seq for one in own.after(12, 2)] == [13, 14]
    assert [one.seq for one in own.after(10, 99)] == [11, 12, 13, 14, 15]
    assert own.after(15, 99) == own.after(16, 99) == []


def test_what_is_gone_is_not_taken_for_nothing_new():
    own = Tail(10)
    own.add(stored(11, 11 + tail.MAX_EVENTS))
    assert own.after(10, 5) is None
    assert own.after(9, 5) is None
    assert own.after(11, 1)[0].seq == 12


def test_large_events_are_bounded_by_size(monkeypatch):
    monkeypatch.setattr(tail, "MAX_BYTES", 20_000)
    own = Tail()
    own.add(stored(1, 50, "x" * 1000))
    assert own.newest == 50
    assert own.after(0, 99) is None
    assert 1 <= len(own.after(45, 99)) <= 5


async def test_a_reader_waits_for_the_next_event():
    own = Tail()
    waiting = asyncio.create_task(own.wait(1))
    own.add(stored(1, 1))
    await asyncio.sleep(0)
    assert not waiting.done()
    own.add(stored(2, 2))
    async with asyncio.timeout(5):
        await waiting


async def test_a_history_is_read_in_the_order_of_storage(either):
    first = either.newest
    await either.append([event(number) for number in (3, 1, 2)])
    read = await either.read(first, 2)
    assert [one.seq for one in read] == [first + 1, first + 2]
    assert [one.event.time - START for one in read] == [3, 1]
    assert [one.event.time - START for one in await either.read(first + 2, 9)] == [2]
    assert either.newest == first + 3
    async with asyncio.timeout(5):
        await either.wait(first + 2)


async def test_older_events_than_those_in_memory_are_read_from_the_history(either):
    first = either.newest
    for begin in range(0, tail.MAX_EVENTS + 200, 200):
        await either.append([event(number) for number in range(begin, begin + 200)])
    read = await either.read(first, 300)
    assert [one.seq for one in read] == list(range(first + 1, first + 301))


@pytest.mark.parametrize("kept", [("file",), ()])
async def test_cursors_continue_after_a_restart_until_they_are_removed(path, kept):
    async with opened(path) as history:
        await history.append([event(1), event(2)])
        assert history.cursor("file") is None
        history.save_cursor("file", 1)
        history.save_cursor("other", 2)
    async with opened(path) as history:
        assert (history.cursor("file"), history.cursor("other"), history.newest) == (1, 2, 2)
        assert [one.seq for one in await history.read(1, 9)] == [2]
        history.keep_cursors(kept)
    async with opened(path) as history:
        assert history.cursor("file") == (1 if kept else None)
        assert history.cursor("other") is None


async def test_a_file_of_the_first_version_gets_cursors(path):
    async with opened(path) as history:
        await history.append([event(1)])
    connection = sqlite3.connect(path)
    connection.executescript("DROP TABLE cursor; PRAGMA user_version=1;")
    connection.close()
    async with opened(path) as history:
        history.save_cursor("file", 1)
        assert [one.seq for one in await history.read(0, 9)] == [1]
    connection = schema.connect(path)
    assert connection.execute("SELECT * FROM cursor").fetchall() == [("file", 1)]
    connection.close()
