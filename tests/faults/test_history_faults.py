"""The event history under kill -9, torn files, a full disk and a writer that is slower than its callers."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from collector.errors import HistoryError, HistoryUnavailable
from collector.event_query import EventFilter
from collector.events import database
from collector.events import history as history_module
from collector.events.history import History, HistoryOptions
from tests.support.events import START, event

ROOT = Path(__file__).resolve().parents[2]
CHILD = """
import asyncio, sys
from pathlib import Path
from collector.events.history import History, HistoryOptions
from tests.support.events import START, event

async def main(path, first):
    options = HistoryOptions(partition_bits=9, headroom_bytes=0)
    async with History(Path(path), options, unix_time=lambda: START) as history:
        print("open", flush=True)
        async def send(lane):
            number = first + lane
            while True:
                events = [event(number + 20 * k) for k in range(3)]
                await history.append(events, [[(("c", ()), 1.0)]] * 3)
                print(*(number + 20 * k for k in range(3)), flush=True)
                number += 60
        await asyncio.gather(*(send(lane) for lane in range(20)))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def numbers(source, **conditions):
    found, after = [], None
    while True:
        page = await source.query(EventFilter(**conditions), limit=1000, after=after)
        found += [one.event.fields["number"] for one in page.events]
        after = page.after
        if after is None:
            return found


def live_and_die(path, first):
    """Run a child that stores events, kill it at a random moment, and return the lines that it printed completely."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), str(first)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    ) as child:
        assert child.stdout.readline() == "open\n"
        time.sleep(random.uniform(0.05, 0.8))
        child.send_signal(signal.SIGKILL)
        return child.stdout.read().split("\n")[:-1]


async def test_an_acknowledged_event_survives_kill_9_once(tmp_path):
    path, acknowledged = tmp_path / "events.db", set[int]()
    for life in range(5):
        lines = await asyncio.to_thread(live_and_die, path, life * 1_000_000)
        acknowledged.update(int(number) for line in lines for number in line.split())
    assert acknowledged
    async with History(path, HistoryOptions(partition_bits=9), unix_time=lambda: START) as history:
        found = await numbers(history)
        assert len(found) == len(set(found))
        assert acknowledged - set(found) == set()
        assert history.totals()["c", ()].value == len(found)
        retried = await history.append([event(number) for number in acknowledged])
        assert set(retried) == {"duplicate"}
        assert sorted(await numbers(history, text="switch")) == sorted(found)
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("cut", [1, 2000, 100_000, 10**9], ids=lambda cut: f"last {cut} bytes")
async def test_a_torn_wal_loses_no_earlier_transaction(tmp_path, cut):
    path, torn = tmp_path / "events.db", tmp_path / "torn.db"
    wal, torn_wal = path.with_name("events.db-wal"), torn.with_name("torn.db-wal")
    async with History(path, unix_time=lambda: START) as history:
        for number in range(50):
            await history.append([event(number)])
        shutil.copy(path, torn)
        content = wal.read_bytes()
    torn_wal.write_bytes(content[: max(0, len(content) - cut)] + b"\xff" * 500)
    async with History(torn, unix_time=lambda: START) as opened:
        found = await numbers(opened)
        assert found == list(range(len(found) - 1, -1, -1))
        assert len(found) >= (49 if cut <= 2000 else 0)
        outcomes = await opened.append([event(number) for number in range(50)])
        assert outcomes == ["duplicate"] * len(found) + ["new"] * (50 - len(found))


async def test_a_damaged_file_is_refused_or_answers_with_an_error(tmp_path):
    path = tmp_path / "events.db"
    async with History(path, unix_time=lambda: START) as history:
        await history.append([event(number) for number in range(2000)])
    content = bytearray(path.read_bytes())
    for offset in range(4096, len(content), 4096):
        content[offset : offset + 64] = os.urandom(64)
    path.write_bytes(content)
    try:
        async with History(path, HistoryOptions(on_error="refuse"), unix_time=lambda: START) as history:
            with pytest.raises(HistoryUnavailable):
                await history.append([event(number) for number in range(2000, 2100)])
            with pytest.raises(HistoryUnavailable):
                await history.query(EventFilter(text="switch"))
    except HistoryError as error:
        assert "damaged" in str(error)  # noqa: PT017 - either outcome is right


# Full disk


@pytest.fixture
def small_disk(tmp_path):
    """Return a folder on a file system of 3 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a file system requires root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


async def fill(history, first):
    """Append events until they cannot be stored; return the numbers of those that are."""
    stored = []
    for start in range(first, first + 100_000, 100):
        outcomes = await history.append([event(number) for number in range(start, start + 100)])
        stored += [start + k for k, outcome in enumerate(outcomes) if outcome == "new"]
        if "unstored" in outcomes:
            return stored
    raise AssertionError("the disk did not fill up")


@pytest.mark.parametrize("headroom", [0, 500_000])
async def test_a_full_disk_is_counted_and_recovered_from(small_disk, headroom):
    path, ballast = small_disk / "events.db", small_disk / "ballast"
    ballast.write_bytes(b"x" * 1_000_000)
    options = HistoryOptions(headroom_bytes=headroom)
    async with History(path, options, unix_time=lambda: START) as history:
        stored = await fill(history, 0)
        assert not history.status.available
        assert history.status.errors["disk_full"] >= 1
        assert await history.append([event(stored[0])]) == ["duplicate"]
        assert await numbers(history) == stored[::-1]
        ballast.unlink()
        assert await history.append([event(number) for number in range(200_000, 200_010)]) == ["new"] * 10
        assert history.status.available
    async with History(path, HistoryOptions(headroom_bytes=0), unix_time=lambda: START) as again:
        assert sorted(await numbers(again)) == sorted([*stored, *range(200_000, 200_010)])


async def test_a_full_disk_refuses_and_loses_no_increment(small_disk, monkeypatch):
    path = small_disk / "events.db"
    key = ("c", ())
    async with History(path, HistoryOptions(on_error="refuse", headroom_bytes=0), unix_time=lambda: START) as history:
        await history.append([event(1)], [[(key, 1.0)]])
        monkeypatch.setattr(history._database, "_headroom_bytes", 1 << 40)
        with pytest.raises(HistoryUnavailable, match="disk_full"):
            await history.append([event(2)], [[(key, 1.0)]])
        monkeypatch.setattr(history._database, "_headroom_bytes", 0)
        assert await history.append([event(2)], [[(key, 1.0)]]) == ["new"]
    async with History(path, unix_time=lambda: START, options=HistoryOptions(headroom_bytes=0)) as again:
        assert again.totals()[key].value == 2.0


async def test_counted_events_of_a_full_disk_are_in_the_totals_later(tmp_path, monkeypatch):
    path, key = tmp_path / "events.db", ("c", ())
    async with History(path, unix_time=lambda: START) as history:
        monkeypatch.setattr(history._database, "_headroom_bytes", 1 << 60)
        assert await history.append([event(1)], [[(key, 1.0)]]) == ["unstored"]
        monkeypatch.setattr(history._database, "_headroom_bytes", 0)
        assert await history.append([event(2)], [[(key, 1.0)]]) == ["new"]
    async with History(path, unix_time=lambda: START) as again:
        assert again.totals()[key].value == 2.0


async def test_retention_works_while_the_disk_is_full(small_disk):
    clock = [START]
    options = HistoryOptions(headroom_bytes=500_000, retention_s=10_000)
    async with History(small_disk / "events.db", options, unix_time=lambda: clock[0]) as history:
        stored = await fill(history, 0)
        clock[0] = START + 200_000
        async with asyncio.timeout(30):
            while history.status.deleted < len(stored):  # noqa: ASYNC110 - a thread changes it
                await asyncio.sleep(0.05)
        assert await numbers(history) == []


async def test_a_bug_in_the_writer_does_not_end_it(tmp_path, monkeypatch):
    def fail(*_arguments):
        raise TypeError("bug")

    async with History(tmp_path / "events.db", unix_time=lambda: START) as history:
        with monkeypatch.context() as patch:
            patch.setattr(database.Database, "_insert", fail)
            assert await history.append([event(1)]) == ["unstored"]
            patch.setattr(history_module, "INDEX_AFTER", 0)
        assert await history.append([event(1)]) == ["new"]
        assert history.status.errors == {"TypeError": 1}
        assert json.dumps(history.status.outcomes)
