"""`events`: what is requested, and how it is printed."""

import asyncio
import json

import pytest

from collector.cli.events import EventSearch, line_of
from collector.errors import Fatal, Retryable, UsageError
from collector.event_query import StoredEvent
from collector.events.memory import MemoryHistory
from collector.listener.address import ListenAddress
from collector.serve.events_api import EventsApi, json_of
from collector.serve.listener import OperatorListener
from collector.serve.status_page import StatusPage
from tests.support.clock import ManualClock
from tests.support.events import START, event


@pytest.fixture
async def history():
    async with MemoryHistory() as opened:
        await opened.append([event(number) for number in range(2500)])
        yield opened


def listener_of(history):
    api = EventsApi(history, ManualClock(unix=START)) if history is not None else None
    return OperatorListener(
        ListenAddress("127.0.0.1", 0), render=lambda _: (), ready=lambda: (), status=StatusPage, events=api
    )


def printed(capsys):
    return [json.loads(line)["fields"]["number"] for line in capsys.readouterr().out.splitlines()]


async def test_pages_are_printed_oldest_first(history, capsys):
    async with listener_of(history) as listener:
        url = f"http://127.0.0.1:{listener.port}/"
        await EventSearch(url, [("severity", "critical")], 700, "jsonl").run(follow=False)
    assert printed(capsys) == [number for number in range(2500) if number % 3 == 2][-700:]


async def test_the_table(history, capsys):
    async with listener_of(history) as listener:
        await EventSearch(f"http://127.0.0.1:{listener.port}", [("device", "sw-7")], 2, "table").run(follow=False)
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["TIME", "SEVERITY", "SITE", "DEVICE", "TYPE", "TEXT"]
    assert [row.split()[2] for row in rows] == ["warning", "info"]
    assert all("Site 7" in row and "sw-7" in row and "Port ge-0" in row for row in rows)


async def test_new_events_are_followed(history, capsys):
    async with listener_of(history) as listener:
        search = EventSearch(f"http://127.0.0.1:{listener.port}", [("topic", "alarms"), ("since", "1w")], 1, "jsonl")
        task = asyncio.create_task(search.run(follow=True))
        async with asyncio.timeout(20):
            while not history.status.followers:  # noqa: ASYNC110 - the server side changes it
                await asyncio.sleep(0.01)
        await history.append([event(number) for number in range(2500, 2510)])
        found = []
        async with asyncio.timeout(20):
            while len(found) < 3:
                found += printed(capsys)
                await asyncio.sleep(0.01)
        task.cancel()
    assert found == [2496, 2501, 2506]


async def test_an_invalid_parameter_is_a_usage_error(history):
    async with listener_of(history) as listener:
        with pytest.raises(UsageError, match="where is key:value"):
            await EventSearch(f"http://127.0.0.1:{listener.port}", [("where", "x")], 1, "").run(follow=False)


async def test_a_collector_without_a_history_is_named():
    async with listener_of(None) as listener:
        with pytest.raises(Fatal, match="no event history"):
            await EventSearch(f"http://127.0.0.1:{listener.port}", [], 1, "").run(follow=False)


async def test_no_answer_is_an_error_without_the_password():
    with pytest.raises(Retryable, match="does not answer") as caught:
        await EventSearch("http://user:hunter2@127.0.0.1:1", [], 1, "").run(follow=False)
    assert "hunter2" not in str(caught.value)


def test_no_url():
    with pytest.raises(UsageError, match="not a URL"):
        EventSearch("127.0.0.1:9733", [], 1, "")


def test_control_characters_do_not_reach_the_terminal():
    stored = json.loads(json_of(StoredEvent(1, event(1, text="\x1b[2Jgone", site_name="a\x07b"))))
    line = line_of(stored, 200)
    assert "\x07" not in line
    assert "\x1b[2J" not in line
