"""/api/v1/events: parameters, pages, streams and their limits, on a real listener."""

import asyncio
import json

import aiohttp
import pytest

from collector import concurrency
from collector.clock import SystemClock
from collector.errors import HistoryUnavailable
from collector.event_query import EventFilter
from collector.events import memory
from collector.events.memory import MemoryHistory
from collector.listener.address import ListenAddress
from collector.serve import events_api
from collector.serve.events_api import EventsApi
from collector.serve.listener import OperatorListener
from collector.serve.status_page import StatusPage
from tests.support.clock import ManualClock
from tests.support.events import START, event


@pytest.fixture
async def history():
    async with MemoryHistory() as opened:
        await opened.append([event(number) for number in range(50)])
        yield opened


@pytest.fixture
async def api(history):
    return EventsApi(history, ManualClock(unix=START + 60))


@pytest.fixture
async def url(api):
    listener = OperatorListener(
        ListenAddress("127.0.0.1", 0), render=lambda _: (), ready=lambda: (), status=StatusPage, events=api
    )
    async with listener:
        yield f"http://127.0.0.1:{listener.port}/api/v1/events"


@pytest.fixture
async def client():
    async with aiohttp.ClientSession() as session:
        yield session


async def get(client, url, *parameters, status=200):
    async with client.get(url, params=parameters) as answer:
        assert answer.status == status, await answer.text()
        assert answer.headers["Cache-Control"] == "no-store"
        return await answer.json()


def numbers(page):
    return [one["fields"]["number"] for one in page["events"]]


async def test_events_are_returned_newest_first_with_all_fields(client, url):
    page = await get(client, url)
    assert numbers(page) == list(range(49, -1, -1))
    assert page["after"] is None
    newest = page["events"][0]
    assert newest["seq"] == 50
    assert newest["text"] == event(49).text
    assert newest["time"] == event(49).time
    assert newest["device_mac"] == event(49).device_mac


async def test_the_cursor_continues(client, url):
    first = await get(client, url, ("limit", "20"))
    second = await get(client, url, ("limit", "40"), ("after", str(first["after"])))
    assert numbers(first) + numbers(second) == list(range(49, -1, -1))
    assert second["after"] is None


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ([("since", "15s")], range(49, 44, -1)),
        ([("until", str(int(START) + 2))], [2, 1, 0]),
        ([("since", "2023-11-14T22:14:05Z")], range(49, 44, -1)),
        ([("topic", "alarms"), ("topic", "audits"), ("severity", "critical")], [41, 38, 26, 23, 11, 8]),
        ([("where", "port_id:ge-0/0/12"), ("text", "down")], [12]),
        ([("where", "number:7"), ("where", "flag:false")], [7]),
        ([("site", "Site 3"), ("device", "sw-3"), ("type", "SW_TYPE_3"), ("status", "")], [3]),
        ([("newer_than", "48")], [49, 48]),
    ],
)
async def test_filters(client, url, parameters, expected):
    assert numbers(await get(client, url, *parameters)) == list(expected)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ([("sinse", "15m")], "unknown parameter sinse"),
        ([("since", "yesterday")], "since is 15m"),
        ([("since", "9" * 400)], "since is 15m"),
        ([("since", "999999999999999d")], "since is 15m"),
        ([("limit", "\u0661\u0660")], "limit is a number"),
        ([("limit", "1001")], "limit is a number from 1 to 1000"),
        ([("limit", "0")], "limit is"),
        ([("after", "-1")], "after is"),
        ([("severity", "fatal")], "severity is one of critical, info, warning"),
        ([("where", "port_id")], "where is key:value"),
        ([("where", "a:b")] * 11, "where occurs more than 10 times"),
        ([("text", "x" * 1001)], "text is longer than 1000 characters"),
        ([("text", "a"), ("text", "b")], "text occurs more than 1 times"),
    ],
)
async def test_invalid_parameters_are_named(client, url, parameters, message):
    page = await get(client, url, *parameters, status=400)
    assert page["error"].startswith(message)


async def test_an_unavailable_history_is_503(client, url, history, monkeypatch):
    async def fail(*_arguments, **_options):
        raise HistoryUnavailable("too_many_queries")

    monkeypatch.setattr(history, "query", fail)
    assert await get(client, url, status=503) == {"error": "too_many_queries"}


# Streams

STREAM = {"Accept": "text/event-stream"}


async def read_events(answer, count):
    found = []
    async with asyncio.timeout(20):
        async for line in answer.content:
            if line.startswith(b"data: "):
                found.append(json.loads(line[6:])["fields"]["number"])
            if len(found) == count:
                return found
    return found


async def test_a_stream_sends_what_matches_as_it_is_stored(client, url, history, api):
    async with client.get(url, params=[("topic", "alarms")], headers=STREAM) as answer:
        assert answer.content_type == "text/event-stream"
        await answer.content.readuntil(b"\n\n")
        await history.append([event(number) for number in range(100, 110)])
        assert await read_events(answer, 2) == [101, 106]
        assert api.streams == 1
    await history.append([event(number) for number in range(110, 150)])


async def test_a_stream_continues_after_the_last_event(client, url, history):
    async with client.get(url, headers={**STREAM, "Last-Event-ID": "48"}) as answer:
        assert await read_events(answer, 2) == [48, 49]
        await history.append([event(60)])
        assert await read_events(answer, 1) == [60]


async def test_streams_are_limited(client, url, monkeypatch):
    monkeypatch.setattr(events_api, "MAX_STREAMS", 1)
    async with client.get(url, headers=STREAM) as answer:
        await answer.content.readuntil(b"\n\n")
        async with client.get(url, headers=STREAM) as second:
            assert second.status == 503
            assert second.headers["Retry-After"] == "30"


async def test_a_stream_of_another_site_is_refused(client, url):
    async with client.get(url, headers={**STREAM, "Sec-Fetch-Site": "cross-site"}) as answer:
        assert answer.status == 403


async def test_a_stream_ends_with_the_listener(history):
    api = EventsApi(history, SystemClock())
    listener = OperatorListener(
        ListenAddress("127.0.0.1", 0), render=lambda _: (), ready=lambda: (), status=StatusPage, events=api
    )
    async with aiohttp.ClientSession() as client:
        async with listener:
            answer = await client.get(f"http://127.0.0.1:{listener.port}/api/v1/events", headers=STREAM)
            await answer.content.readuntil(b"\n\n")
        async with asyncio.timeout(10):
            await answer.content.read()
    assert api.streams == 0


async def test_a_client_that_missed_many_events_gets_all_of_them(client, url, history):
    await history.append([event(number) for number in range(50, 2500)])
    headers = {"Accept": "text/event-stream", "Last-Event-ID": "100"}
    async with client.get(url, headers=headers) as answer:
        ids = [int(line[4:]) async for line in lines(answer, 2400) if line.startswith(b"id: ")]
    assert ids == list(range(101, 2501))


async def test_a_gap_is_announced(client, url, history, monkeypatch):
    monkeypatch.setattr(events_api, "MAX_BACKLOG_PAGES", 1)
    await history.append([event(number) for number in range(50, 2500)])
    headers = {"Accept": "text/event-stream", "Last-Event-ID": "100"}
    async with client.get(url, headers=headers) as answer:
        found = [line async for line in lines(answer, 1000)]
    assert b"event: gap\n" in found
    assert b'data: {"older_than":1501}\n' in found
    assert b"id: 1501\n" in found


async def lines(answer, events):
    """Yield lines until so many events came."""
    async with asyncio.timeout(20):
        async for line in answer.content:
            yield line
            events -= line.startswith(b"id: ")
            if not events:
                return


async def test_a_page_is_limited_in_bytes(client, url, history, monkeypatch):
    monkeypatch.setattr(memory, "MAX_PAGE_BYTES", 1)
    found, after = [], ""
    for _ in range(3):
        page = await get(client, url, ("after", after))
        found += numbers(page)
        after = str(page["after"])
    assert found == [49, 48, 47]


async def test_queries_at_the_same_time_are_limited(client, url, monkeypatch):
    monkeypatch.setattr(events_api, "MAX_QUERIES", 0)
    assert "too many queries" in (await get(client, url, status=503))["error"]


async def test_other_tasks_run_while_a_page_is_encoded(history, monkeypatch):
    monkeypatch.setattr(concurrency, "SLICE_S", 0.0)
    page = await history.query(EventFilter())
    turns, task = 0, asyncio.create_task(events_api.encoded(page.events))
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns >= len(page.events)
