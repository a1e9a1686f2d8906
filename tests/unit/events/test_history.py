"""What every history does: it stores once, answers filters, and is followed; a file keeps events and counters."""

import asyncio
import sqlite3
from functools import partial

import pytest

from collector.config.events import EventsConfig
from collector.errors import HistoryUnavailable
from collector.event_query import EventFilter
from collector.events import followers
from collector.events import history as history_module
from collector.events.configured import history_of
from collector.events.history import History, HistoryOptions
from collector.events.identities import Identities
from tests.support.events import START, event

NOW = START + 3600


async def seqs(source, **conditions):
    page = await source.query(EventFilter(**conditions), limit=1000)
    return [stored.event.fields["number"] for stored in page.events]


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - a thread changes it
            await asyncio.sleep(0.01)


# Input


async def test_an_event_is_stored_once(either):
    assert await either.append([event(1), event(2)]) == ["new", "new"]
    assert await either.append([event(2), event(3)]) == ["duplicate", "new"]
    assert await either.append([event(4), event(4)]) == ["new", "duplicate"]
    assert await seqs(either) == [4, 3, 2, 1]
    assert either.status.outcomes == {"new": 4, "duplicate": 2, "excluded": 0, "unstored": 0}


async def test_topics_are_kept_out(either):
    assert await either.append([event(1, topic="location-asset"), event(2)]) == ["excluded", "new"]
    assert await seqs(either) == [2]


async def test_a_retry_of_an_event_without_a_time_of_its_own_is_a_duplicate(history):
    first = event(1, time=START + 5, received=START + 5)
    retry = event(1, time=START + 65, received=START + 65)
    assert await history.append([first]) == ["new"]
    assert await history.append([retry]) == ["duplicate"]


async def test_an_event_whose_time_is_the_time_of_receipt_is_a_duplicate_at_a_retry(history):
    assert await history.append([event(1, time=START, received=START)]) == ["new"]
    assert await history.append([event(1, time=START, received=START + 60)]) == ["duplicate"]
    assert await history.append([event(2, time=START, received=START + 60)]) == ["new"]
    assert await history.append([event(2, time=START, received=START)]) == ["duplicate"]


async def test_events_of_concurrent_calls_share_a_transaction(history):
    outcomes = await asyncio.gather(*(history.append([event(number)]) for number in range(700)))
    assert outcomes == [["new"]] * 700
    assert len(await seqs(history)) == 700


async def test_a_long_list_is_stored_in_order(history):
    await history.append([event(number) for number in range(1234)])
    assert await seqs(history) == list(range(1233, 233, -1))


async def test_a_cancelled_caller_harms_nobody(history):
    task = asyncio.create_task(history.append([event(1)]))
    await asyncio.sleep(0)
    task.cancel()
    assert await history.append([event(2)]) == ["new"]
    await until(lambda: history.status.queued == 0)
    assert await history.append([event(1)]) == ["duplicate"]


async def test_a_full_queue_refuses(path, monkeypatch):
    monkeypatch.setattr(history_module, "MAX_QUEUED", 10)
    async with History(path, HistoryOptions(on_error="refuse", headroom_bytes=0)) as opened:
        with pytest.raises(HistoryUnavailable, match="queue_full"):
            await opened.append([event(number) for number in range(11)])
    assert opened.status.errors == {"queue_full": 1}


# After a restart


async def test_events_and_counters_are_there_after_a_restart(path):
    key = ("mist_events_total", ("org", "site", "alarms"))
    async with History(path, unix_time=lambda: NOW) as first:
        assert first.totals() == {}
        await first.append([event(1), event(2)], [[(key, 1.0)], [(key, 2.0)]])
    async with History(path, unix_time=lambda: NOW) as second:
        assert second.totals() == {key: (3.0, START + 3.5)}
        assert await second.append([event(1), event(3)], [[(key, 1.0)], [(key, 1.0)]]) == ["duplicate", "new"]
        assert await seqs(second) == [3, 2, 1]
    async with History(path, unix_time=lambda: NOW) as third:
        assert third.totals() == {key: (4.0, START + 3.5)}


async def test_increments_of_excluded_events_are_kept(path):
    options = HistoryOptions(excluded_topics=("alarms",))
    key = ("c", ("x",))
    async with History(path, options, unix_time=lambda: NOW) as first:
        assert await first.append([event(1, topic="alarms")], [[(key, 1.0)]]) == ["excluded"]
    async with History(path, options, unix_time=lambda: NOW) as second:
        assert second.totals()[key].value == 1.0


async def test_the_file_is_readable_by_its_owner_only(history, path):
    await history.append([event(1)])
    assert path.stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in path.parent.iterdir())


async def test_events_are_indexed_again_after_a_restart(path, monkeypatch):
    monkeypatch.setattr(history_module, "INDEX_AFTER", 10**9)
    monkeypatch.setattr(history_module, "INDEX_AT_ONCE", 10**9)
    async with History(path, unix_time=lambda: NOW) as first:
        await first.append([event(number) for number in range(600)])
        assert await seqs(first, text="sw-7") == [507, 7]
    monkeypatch.setattr(history_module, "INDEX_AFTER", 1)
    async with History(path, unix_time=lambda: NOW) as second:
        await second.append([event(600)])
        await until(lambda: second._database.unindexed == 0)
        assert await seqs(second, text="sw-7") == [507, 7]


# Retention


async def test_old_events_are_deleted(path):
    clock = [START + 100.0]
    options = HistoryOptions(retention_s=1000, partition_bits=8, headroom_bytes=0)
    async with History(path, options, unix_time=lambda: clock[0]) as opened:
        await opened.append([event(number) for number in range(1000)])
        clock[0] = START + 1500
        await until(lambda: opened.status.deleted == 499)
        found = await seqs(opened)
        assert found == list(range(999, 498, -1))
        assert opened.status.oldest == START + 500.5
        clock[0] = START + 10_000
        await until(lambda: opened.status.deleted == 1000)
        assert await seqs(opened) == []
        assert await opened.append([event(2000, received=START + 9999)]) == ["new"]
        assert await seqs(opened) == [2000]
    tables = sqlite3.connect(path).execute("SELECT name FROM sqlite_master WHERE name LIKE 'text!_%' ESCAPE '!'")
    assert not {name for (name,) in tables if name in ("text_0", "text_1", "text_2")}


async def test_ids_are_not_used_twice_after_everything_was_deleted(path):
    clock = [START + 100.0]
    options = HistoryOptions(retention_s=1000, headroom_bytes=0)
    async with History(path, options, unix_time=lambda: clock[0]) as opened:
        await opened.append([event(number) for number in range(300)])
        await until(lambda: opened._database.unindexed == 0)
        first = (await opened.query(EventFilter(), limit=1)).events[0].seq
        clock[0] = START + 10_000
        await until(lambda: opened.status.deleted == 300)
    async with History(path, options, unix_time=lambda: clock[0]) as opened:
        await opened.append([event(5000, received=clock[0])])
        assert (await opened.query(EventFilter())).events[0].seq > first


async def test_the_size_is_limited(path):
    options = HistoryOptions(max_size_bytes=700_000, partition_bits=8, headroom_bytes=0)
    async with History(path, options, unix_time=lambda: NOW) as opened:
        for first in range(0, 4000, 500):
            await opened.append([event(number) for number in range(first, first + 500)])
        await until(lambda: 0 < opened.status.size_bytes <= 700_000 and opened._database.unindexed == 0)
        found = await seqs(opened)
        assert found[0] == 3999
        assert found == list(range(3999, 3999 - len(found), -1))
        assert opened.status.deleted > 500
        await until(lambda: path.stat().st_size <= 900_000)
        assert len(await seqs(opened, text="switch")) == len(found)


# Queries


@pytest.fixture
async def filled(either, monkeypatch):
    monkeypatch.setattr(history_module, "INDEX_AFTER", 1)
    await either.append([event(number) for number in range(600)])
    if isinstance(either, History):
        await until(lambda: either._database.unindexed == 0)
        monkeypatch.setattr(history_module, "INDEX_AFTER", 10**9)
    await either.append([event(number) for number in range(600, 700)])  # a part without index
    return either


FILTERS = {
    "all": ({}, lambda e: True),
    "topic": ({"topics": ("alarms",)}, lambda e: e.topic == "alarms"),
    "topics": ({"topics": ("alarms", "audits")}, lambda e: e.topic in ("alarms", "audits")),
    "type": ({"types": ("sw_type_3",)}, lambda e: e.type == "SW_TYPE_3"),
    "severity": ({"severities": ("critical",)}, lambda e: e.severity == "critical"),
    "status": ({"statuses": ("cleared",)}, lambda e: e.status == "cleared"),
    "site": ({"sites": ("site 7",)}, lambda e: e.site_name == "Site 7"),
    "site id": ({"sites": (event(7).site_id,)}, lambda e: e.site_id == event(7).site_id),
    "device": ({"devices": ("SW-77",)}, lambda e: e.device_name == "sw-77"),
    "mac": ({"devices": ("5C:5B:35:00:00:4d",)}, lambda e: e.device_mac == "5c5b3500004d"),
    "where": ({"where": (("port_id", "ge-0/0/9"),)}, lambda e: e.fields["port_id"] == "ge-0/0/9"),
    "where list": ({"where": (("reasons", "Reason 3"),)}, lambda e: e.fields["reasons.0"] == "reason 3"),
    "where index": ({"where": (("reasons.0", "reason 3"),)}, lambda e: e.fields["reasons.0"] == "reason 3"),
    "where other index": ({"where": (("reasons.1", "reason 3"),)}, lambda e: False),
    "where flag": ({"where": (("flag", "true"), ("number", "42"))}, lambda e: e.fields["number"] == 42),
    "where time": ({"where": (("timestamp", str(START + 5)),)}, lambda e: e.fields["number"] == 5),
    "since": ({"since": START + 650}, lambda e: e.time >= START + 650),
    "until": ({"until": START + 50.5}, lambda e: e.time <= START + 50.5),
    "window": ({"since": START + 90, "until": START + 610, "sites": ("Site 3",)},
               lambda e: START + 90 <= e.time <= START + 610 and e.site_name == "Site 3"),
    "words": ({"text": "SW-12 port"}, lambda e: e.device_name == "sw-12"),
    "port": ({"text": "ge-0/0/12"}, lambda e: "ge-0/0/12" in e.text),
    "prefix": ({"text": "swit*"}, lambda e: True),
    "word and not a part": ({"text": "swit"}, lambda e: False),
    "punctuation": ({"text": "/0/1 ("}, lambda e: False),
    "nothing": ({"types": ("NONE",)}, lambda e: False),
    "several": ({"topics": ("alarms",), "severities": ("info",), "where": (("reasons", "reason 1"),), "text": "down"},
                lambda e: e.topic == "alarms" and e.severity == "info" and e.fields["reasons.0"] == "reason 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILTERS)
async def test_a_filter_finds_what_matches(filled, name):
    conditions, matches = FILTERS[name]
    expected = [number for number in range(699, -1, -1) if matches(event(number))]
    assert await seqs(filled, **conditions) == expected


@pytest.mark.parametrize("conditions", [{}, {"topics": ("alarms",)}, {"where": (("reasons", "reason 2"),)}])
async def test_pages_are_complete_while_events_arrive(filled, conditions):
    expected = await seqs(filled, **conditions)
    found, after = [], None
    for number in range(1000, 1200):
        page = await filled.query(EventFilter(**conditions), limit=7, after=after)
        found += [stored.event.fields["number"] for stored in page.events]
        after = page.after
        if after is None:
            break
        await filled.append([event(number)])
    assert found == expected


async def test_newer_than_returns_only_later_events(filled):
    last = (await filled.query(EventFilter(), limit=1)).events[0].seq
    await filled.append([event(900), event(901)])
    page = await filled.query(EventFilter(text="switch"), newer_than=last)
    assert [stored.event.fields["number"] for stored in page.events] == [901, 900]
    assert page.after is None


@pytest.mark.parametrize("either", ["file"], indirect=True)  # the buffer in memory is bounded
async def test_a_search_is_limited_in_time_and_continues(filled, monkeypatch):
    monkeypatch.setattr("collector.events.query.MAX_SECONDS", 0.0)
    found = 0
    page = await filled.query(EventFilter(where=(("timestamp", str(START + 5)),)))
    assert page.events == []
    assert page.after is not None
    monkeypatch.setattr("collector.events.query.MAX_SECONDS", 10.0)
    while True:
        page = await filled.query(EventFilter(where=(("timestamp", str(START + 5)),)), after=page.after)
        found += len(page.events)
        if page.after is None:
            break
    assert found == 1


async def test_queries_are_limited_in_number(history, monkeypatch):
    monkeypatch.setattr(history_module, "MAX_WAITING_QUERIES", 0)
    with pytest.raises(HistoryUnavailable, match="too_many_queries"):
        await history.query(EventFilter())


async def test_personal_data_are_found_by_value(path):
    async with History(path, identities=Identities(b"k" * 32), unix_time=lambda: NOW) as opened:
        await opened.append([event(1, topic="client-join", fields={"mac": "0200000000aa", "number": 1})])
        assert await seqs(opened, where=(("mac", "02:00:00:00:00:AA"),)) == [1]
        stored = (await opened.query(EventFilter())).events[0].event
        assert stored.fields["mac"] == Identities(b"k" * 32).hash_value("0200000000aa")
    assert b"0200000000aa" not in path.read_bytes()


# Followers


async def test_a_follower_receives_what_matches(either):
    follower = either.follow(EventFilter(topics=("alarms",)))
    await either.append([event(number) for number in range(10)])
    assert [one.event.fields["number"] for one in await follower.next(5)] == [1, 6]
    assert await follower.next(0.01) == []
    await either.append([event(11), event(11), event(1)])
    assert [one.event.fields["number"] for one in await follower.next(5)] == [11]
    follower.close()
    assert await follower.next(5) is None
    assert either.status.followers == 0


async def test_a_follower_that_does_not_read_is_disconnected(either, monkeypatch):
    monkeypatch.setattr(followers, "MAX_QUEUED", 5)
    slow, fast = either.follow(EventFilter()), either.follow(EventFilter())
    for number in range(4):
        await either.append([event(2 * number), event(2 * number + 1)])
        assert len(await fast.next(5)) == 2
    assert [one async for one in slow] == []
    assert either.status.slow_followers == 1
    assert either.status.followers == 1


async def test_followers_are_limited(either, monkeypatch):
    monkeypatch.setattr(followers, "MAX_FOLLOWERS", 1)
    either.follow(EventFilter())
    with pytest.raises(HistoryUnavailable, match="too_many_followers"):
        either.follow(EventFilter())


async def test_the_loop_is_free_while_events_are_stored(history):
    """Counts how often the event loop runs while 5,000 events are stored."""
    turns, done = 0, False

    async def count():
        nonlocal turns
        while not done:
            turns += 1
            await asyncio.sleep(0.001)

    counting = asyncio.create_task(count())
    await asyncio.gather(*(history.append([event(n) for n in range(k, k + 10)]) for k in range(0, 5000, 10)))
    done = True
    await counting
    assert turns > 20


async def test_an_event_that_cannot_be_encoded_costs_no_other_one(history):
    poison = [event(1, text="\ud800"), event(3, time=1e30), event(5, received=float("inf"))]
    outcomes = await history.append([event(0), poison[0], event(2), poison[1], event(4), poison[2], event(6)])
    assert outcomes == ["new", "unstored", "new", "unstored", "new", "unstored", "new"]
    assert [one.event.fields["number"] for one in (await history.query(EventFilter())).events] == [6, 4, 2, 0]
    assert history.status.available


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_file_that_is_removed_while_it_is_open_is_noticed(history, path, replaced):
    await history.append([event(0)])
    path.unlink()
    if replaced:
        path.touch()
    assert await history.append([event(1)]) == ["unstored"]
    assert history.status.errors == {"file_removed": 1}
    assert not history.status.available


async def test_a_page_is_limited_in_bytes(either, monkeypatch):
    monkeypatch.setattr("collector.events.codec.MAX_PAGE_BYTES", 1)
    monkeypatch.setattr("collector.events.memory.MAX_PAGE_BYTES", 1)
    await either.append([event(number) for number in range(3)])
    page = await either.query(EventFilter())
    assert [one.seq for one in page.events] == [3]
    assert page.after == 3


def test_sequence_numbers_in_memory_are_greater_than_those_of_an_earlier_process():
    earlier, later = (history_of(EventsConfig(), partial(float, unix)) for unix in (START, START + 60))
    assert earlier._last_seq + 20_000 < later._last_seq < 2**53
