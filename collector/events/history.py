"""The durable event history: one SQLite file, one writer thread, reader threads with connections of their own.

`append` queues events and returns once they are committed. The writer commits what waits in the queue, at most
`BATCH` events, in one transaction. Afterwards, and not on the way of the answer, it indexes, deletes old events and
copies the WAL into the file. On a write error nothing of the batch is stored; the next batch tries again, so that the
history recovers as soon as there is space.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Self

import structlog

from collector.concurrency import Slices
from collector.errors import HistoryUnavailable
from collector.event_query import DEFAULT_LIMIT, MAX_LIMIT, EventPage, HistoryStatus, StoredEvent
from collector.events import schema
from collector.events.database import HEADROOM_BYTES, UNENCODABLE, Database, DiskFullError, FileRemovedError
from collector.events.followers import Followers
from collector.events.query import Matcher
from collector.events.tail import Tail, TailedLog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from collector.event import Event
    from collector.event_query import CounterKey, EventFilter, EventFollower, Increments, Outcome, Total
    from collector.events.database import Stored
    from collector.events.identities import Identities
    from collector.events.query import HistoryReader

BATCH: Final = 500
MAX_QUEUED: Final = 20_000  # events
INDEX_AFTER: Final = 256  # events without index while the queue is empty
INDEX_AFTER_S: Final = 5.0  # or this time
INDEX_AT_ONCE: Final = 2000  # events without index while events wait
CHECKPOINT_AFTER: Final = 1000  # stored events
MAINTENANCE_S: Final = 1.0
READERS: Final = 2
MAX_WAITING_QUERIES: Final = 16
CLOSE_S: Final = 10.0
_LOG: Final = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class HistoryOptions:
    """What a history keeps.

    Attributes:
        retention_s: Age at which events are deleted.
        max_size_bytes: Size of the used part of the file at which the oldest events are deleted.
        on_error: Outcome of events that cannot be stored: "count" returns "unstored", "refuse" raises.
        excluded_topics: Patterns of topics that are not stored.
        headroom_bytes: Free space below which nothing is stored.
        partition_bits: See `schema`.
    """

    retention_s: float = 14 * 86_400.0
    max_size_bytes: int = 1 << 30
    on_error: Literal["count", "refuse"] = "count"
    excluded_topics: tuple[str, ...] = ()
    headroom_bytes: int = HEADROOM_BYTES
    partition_bits: int = schema.PARTITION_BITS


class TopicFilter:
    """Returns whether the events of a topic are kept out of the history."""

    def __init__(self, excluded: Sequence[str]) -> None:
        self._patterns = tuple(excluded)
        self._known = dict[str, bool]()

    def excludes(self, topic: str) -> bool:
        """Return whether a pattern matches a topic."""
        found = self._known.get(topic)
        if found is None:
            found = any(fnmatchcase(topic, pattern) for pattern in self._patterns)
            if len(self._known) < 1000:  # noqa: PLR2004 - topics are few; unknown ones are not kept without limit
                self._known[topic] = found
        return found


def _outcome(id_: int | None) -> Outcome:
    if id_ is None or id_ == UNENCODABLE:
        return "unstored"
    return "new" if id_ else "duplicate"


class _Batch(NamedTuple):
    """Events of one call of `append`, and who waits for their outcomes."""

    events: Sequence[Event]
    increments: Sequence[Increments]
    result: asyncio.Future[list[int | None]]  # IDs, see `database.Stored`; None for what was not stored


class History(TailedLog):
    """An async context manager; it stores and answers between `__aenter__` and `__aexit__`.

    Args:
        path: The file.
        options: What is kept.
        identities: Replaces personal data before anything is stored; None keeps it.
        unix_time: Returns the Unix time, for retention by age.

    `__aenter__` raises HistoryError if the file cannot be used.
    """

    def __init__(
        self,
        path: Path,
        options: HistoryOptions | None = None,
        *,
        identities: Identities | None = None,
        unix_time: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._options = options or HistoryOptions()
        self._identities = identities
        self._unix_time = unix_time
        self._topics = TopicFilter(self._options.excluded_topics)
        self._queue = queue.SimpleQueue[_Batch | None]()
        self._owed: dict[CounterKey, float] = defaultdict(float)  # increments of events that are not in the history
        self._owed_lock = threading.Lock()
        self._totals: Mapping[CounterKey, Total] = {}
        self._thread: threading.Thread | None = None
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="history-reader")
        self._local = threading.local()
        self._open_readers: list[HistoryReader] = []
        self._waiting_queries = 0
        self._status = HistoryStatus()
        self._followers = Followers(self._status)
        super().__init__()
        self._stored_cursors: dict[str, int] = {}
        self._next_maintenance = self._unindexed_since = 0.0
        self._since_checkpoint = 0
        self._full_logged = ""

    @property
    def status(self) -> HistoryStatus:
        """Counts and state."""
        return self._status

    def keeps(self, topic: str) -> bool:
        """Return whether events of a topic are stored."""
        return not self._topics.excludes(topic)

    def totals(self) -> Mapping[CounterKey, Total]:
        """Return the counters as of the start of the process."""
        return self._totals

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, args=(opened,), name="history-writer", daemon=True)
        self._thread.start()
        await opened
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._followers.close()
        self._queue.put(None)
        self._readers.shutdown(wait=False, cancel_futures=True)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, CLOSE_S)

    # Input

    async def append(self, events: Sequence[Event], increments: Sequence[Increments] = ()) -> list[Outcome]:
        """Store events durably; see `EventStore.append`."""
        increments = increments or [()] * len(events)
        outcomes: list[Outcome] = ["excluded"] * len(events)
        kept = []
        for number, event in enumerate(events):
            if self._topics.excludes(event.topic):
                self._owe(increments[number])
            else:
                kept.append(number)
        failed = False
        for first in range(0, len(kept), BATCH):
            numbers = kept[first : first + BATCH]
            own = await self._hashed([events[number] for number in numbers])
            ids = await self._store(own, [increments[number] for number in numbers])
            failed = failed or None in ids
            for number, id_ in zip(numbers, ids, strict=True):
                outcomes[number] = _outcome(id_)
        for outcome in outcomes:
            self._status.outcomes[outcome] += 1
        if failed and self._options.on_error == "refuse":
            raise HistoryUnavailable(self._full_logged or "error")
        for own_increments, outcome in zip(increments, outcomes, strict=True):
            if outcome == "unstored":
                self._owe(own_increments)
        return outcomes

    def _owe(self, increments: Increments) -> None:
        if increments:
            with self._owed_lock:
                for key, value in increments:
                    self._owed[key] += value

    async def _hashed(self, events: list[Event]) -> list[Event]:
        """Return the events without personal data."""
        if self._identities is None:
            return events
        slices = Slices()
        hashed: list[Event] = []
        for event in events:
            hashed.append(self._identities.apply(event))
            await slices.pause()
        return hashed

    async def _store(self, events: Sequence[Event], increments: Sequence[Increments]) -> list[int | None]:
        if self._status.queued + len(events) > MAX_QUEUED or self._thread is None or not self._thread.is_alive():
            self._count_error("queue_full")
            return [None] * len(events)
        batch = _Batch(events, increments, asyncio.get_running_loop().create_future())
        self._status.queued += len(events)
        self._queue.put(batch)
        return await asyncio.shield(batch.result)

    def _committed(self, batches: list[_Batch], stored: list[list[int | None]], error: str) -> None:
        """Resolve what waits for a transaction. Runs in the event loop."""
        if error:
            self._count_error(error)
        elif not self._status.available:
            _LOG.info("history_recovered", path=str(self._path))
            self._full_logged = ""
        self._status.available = not error
        new: list[StoredEvent] = []
        for batch, ids in zip(batches, stored, strict=True):
            self._status.queued -= len(batch.events)
            new += [StoredEvent(id_, event) for id_, event in zip(ids, batch.events, strict=True) if id_ and id_ > 0]
            if not batch.result.done():
                batch.result.set_result(ids)
        self._tail.add(new)
        self._followers.publish(new)

    def _count_error(self, reason: str, detail: str = "") -> None:
        self._status.errors[reason] = self._status.errors.get(reason, 0) + 1
        if self._full_logged != reason:
            self._full_logged = reason
            on_error = self._options.on_error
            _LOG.error("history_write_failed", path=str(self._path), reason=reason, detail=detail, on_error=on_error)

    # Queries

    async def query(
        self, filter_: EventFilter, *, limit: int = DEFAULT_LIMIT, after: int | None = None, newer_than: int = 0
    ) -> EventPage:
        """Return events, the newest first; see `EventSource.query`."""
        if self._waiting_queries >= MAX_WAITING_QUERIES:
            raise HistoryUnavailable("too_many_queries")
        matcher = self._matcher(filter_)
        self._waiting_queries += 1
        try:
            return await self._loop.run_in_executor(
                self._readers,
                lambda: self._search(matcher, min(limit, MAX_LIMIT), after, newer_than),
            )
        except (sqlite3.Error, RuntimeError) as error:
            _LOG.warning("history_read_failed", path=str(self._path), error=str(error))
            raise HistoryUnavailable("read_failed") from None
        finally:
            self._waiting_queries -= 1
            self._status.queries += 1

    def follow(self, filter_: EventFilter) -> EventFollower:
        """Return a follower; see `EventSource.follow`."""
        return self._followers.add(self._matcher(filter_))

    def _matcher(self, filter_: EventFilter) -> Matcher:
        return Matcher(filter_, self._identities.hash_value if self._identities is not None else None)

    def _search(self, matcher: Matcher, limit: int, after: int | None, newer_than: int) -> EventPage:
        """Search, in a reader thread."""
        return self._reader().search(matcher, limit=limit, after=after, newer_than=newer_than)

    def _reader(self) -> HistoryReader:
        """Return the connection of this reader thread."""
        reader: HistoryReader | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = self._local.reader = self._database.reader()
            self._open_readers.append(reader)
        return reader

    # Outputs

    async def read(self, after: int, limit: int) -> list[StoredEvent]:
        """Return events, the oldest first; see `EventLog.read`. New ones are read from memory."""
        recent = self._tail.after(after, limit)
        if recent is not None:
            return recent
        try:
            return await self._loop.run_in_executor(self._readers, lambda: self._reader().read(after, limit))
        except (sqlite3.Error, RuntimeError) as error:
            _LOG.warning("history_read_failed", path=str(self._path), error=str(error))
            raise HistoryUnavailable("read_failed") from None

    # The writer thread

    def _run(self, opened: asyncio.Future[None]) -> None:
        options = self._options
        try:
            self._database = Database(
                self._path, headroom_bytes=options.headroom_bytes, partition_bits=options.partition_bits
            )
            self._totals = self._database.totals
            self._cursors, self._stored_cursors = dict(self._database.cursors), self._database.cursors
            self._tail = Tail(self._database.newest)
        except BaseException as error:  # noqa: BLE001 - raised by `__aenter__`
            problem = schema.damaged(self._path, error) if isinstance(error, sqlite3.DatabaseError) else error
            self._in_loop(opened.set_exception, problem)
            return
        self._in_loop(opened.set_result, None)
        while self._write_next():
            self._maintain()
        self._flush_owed()
        self._step(self._flush_cursors)
        for reader in self._open_readers:
            reader.close()
        self._database.close()

    def _write_next(self) -> bool:
        """Commit what waits in the queue; return False at the end of the process."""
        try:
            first = self._queue.get(timeout=MAINTENANCE_S)
        except queue.Empty:
            return True
        batches: list[_Batch] = []
        count, last = 0, first
        while last is not None:
            batches.append(last)
            count += len(last.events)
            if count >= BATCH:
                break
            try:
                last = self._queue.get_nowait()
            except queue.Empty:
                break
        if batches:
            self._commit(batches)
        return last is not None

    def _commit(self, batches: list[_Batch]) -> None:
        events = [event for batch in batches for event in batch.events]
        increments = [own for batch in batches for own in batch.increments]
        owed = self._take_owed()
        error = ""
        try:
            stored: Sequence[Stored] = self._database.store(events, increments, owed.items())
            ids: list[int | None] = [one.id for one in stored]
            self._since_checkpoint += len(events)
        except (sqlite3.Error, DiskFullError, FileRemovedError, OSError) as failure:
            error = reason_of(failure)
            self._since_checkpoint = CHECKPOINT_AFTER  # so that the WAL does not have to grow
            ids = [0 if self._is_known(event) else None for event in events]
            self._owe(list(owed.items()))
        except Exception as failure:  # noqa: BLE001 - a bug must not end the thread: no event could be stored any more
            error = type(failure).__name__
            ids = [None] * len(events)
            self._owe(list(owed.items()))
        split, first = [], 0
        for batch in batches:
            split.append(ids[first : first + len(batch.events)])
            first += len(batch.events)
        self._in_loop(self._committed, batches, split, error)

    def _is_known(self, event: Event) -> bool:
        try:
            return self._database.known(event)
        except (sqlite3.Error, ValueError, OverflowError):
            return False

    def _take_owed(self) -> dict[CounterKey, float]:
        with self._owed_lock:
            owed, self._owed = self._owed, defaultdict(float)
        return owed

    def _flush_owed(self) -> None:
        """Store the increments of events that are not in the history."""
        owed = self._take_owed()
        if owed:
            try:
                self._database.store([], [], owed.items())
            except (sqlite3.Error, DiskFullError, FileRemovedError, OSError):
                self._owe(list(owed.items()))

    def _flush_cursors(self) -> None:
        """Store the cursors of the outputs if one has changed."""
        cursors = self._cursors.copy()
        if cursors != self._stored_cursors:
            self._database.save_cursors(cursors)
            self._stored_cursors = cursors

    def _maintain(self) -> None:
        """Index, copy the WAL, and delete: a short step of each."""
        self._step(self._index)
        self._step(self._checkpoint)
        now = time.monotonic()
        if now >= self._next_maintenance:
            self._next_maintenance = now + MAINTENANCE_S
            self._flush_owed()
            self._step(self._flush_cursors)
            while self._step(self._retain) and self._queue.empty():
                pass

    def _step(self, step: Callable[[], bool | None]) -> bool:
        """Run a step of maintenance; an error is counted, and the step is repeated later."""
        try:
            return bool(step())
        except (sqlite3.Error, OSError) as error:
            self._since_checkpoint = CHECKPOINT_AFTER  # so that the WAL does not have to grow
            self._in_loop(self._count_error, reason_of(error), str(error))
        except Exception as error:  # noqa: BLE001 - as in `_commit`
            self._in_loop(self._count_error, type(error).__name__)
        return False

    def _checkpoint(self) -> None:
        if self._since_checkpoint >= CHECKPOINT_AFTER:
            self._since_checkpoint = 0
            self._database.checkpoint()

    def _index(self) -> None:
        database, now = self._database, time.monotonic()
        if not database.unindexed:
            self._unindexed_since = now
            return
        if database.unindexed >= INDEX_AT_ONCE:
            database.index()
        while self._queue.empty() and (
            database.unindexed >= INDEX_AFTER or (database.unindexed and now - self._unindexed_since >= INDEX_AFTER_S)
        ):
            database.index()
            self._unindexed_since = now

    def _retain(self) -> bool:
        """Delete one step of old events; return whether more may have to be deleted."""
        database, options = self._database, self._options
        size = database.size_bytes()
        self._status.size_bytes = size
        oldest = self._status.oldest = database.oldest()
        self._status.events = database.count()
        expired_before = self._unix_time() - options.retention_s
        deleted = 0
        if size > options.max_size_bytes:
            deleted = database.delete_oldest(float("inf"))
        elif oldest and oldest < expired_before:
            deleted = database.delete_oldest(expired_before)
        self._status.deleted += deleted
        if deleted:
            self._next_maintenance = 0.0  # continue after the next batch
            self._since_checkpoint += deleted
            return True
        return database.shrink(options.max_size_bytes)

    def _in_loop(self, function: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # the event loop has ended
            self._loop.call_soon_threadsafe(function, *arguments)


def reason_of(error: Exception) -> str:
    """Return the reason of a failed write as a label value."""
    if isinstance(error, DiskFullError) or getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
        return "disk_full"
    if isinstance(error, FileRemovedError):
        return "file_removed"
    if isinstance(error, sqlite3.OperationalError):
        return "io_error" if "disk I/O" in str(error) else "locked" if "locked" in str(error) else "error"
    return "damaged" if isinstance(error, sqlite3.DatabaseError) else "error"
