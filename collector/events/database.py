"""Writes the file of the history. Used by one thread; every method is one or several short transactions."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from collector.event_query import Total
from collector.events import codec, schema
from collector.events.query import HistoryReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from collector.event import Event
    from collector.event_query import CounterKey, Increments

HEADROOM_BYTES: Final = 16 << 20  # free space that is left to deletions and other programs
INDEX_STEP: Final = 200  # events of one transaction
DELETE_STEP: Final = 250
VACUUM_PAGES: Final = 256
UNENCODABLE: Final = -1
_NAMES_KEPT: Final = 100_000
_encode: Final = msgspec.json.Encoder().encode
_decode_labels: Final = msgspec.json.Decoder(tuple[str, ...]).decode


class DiskFullError(Exception):
    """Less than the headroom is free."""


class FileRemovedError(Exception):
    """The file was removed or replaced while it is open: what is written would be lost with the process."""


class Stored(NamedTuple):
    """An event and its ID; 0 if it was stored before, `UNENCODABLE` if it cannot be stored."""

    id: int
    event: Event


class Database:
    """The file, opened for writing.

    Args:
        path: The file.
        headroom_bytes: Free space below which nothing is stored.
        partition_bits: A partition has 2 to the power of this many events.

    Attributes:
        totals: The counters when the file was opened.
        cursors: The cursors of the outputs when the file was opened.
    """

    def __init__(
        self, path: Path, *, headroom_bytes: int = HEADROOM_BYTES, partition_bits: int = schema.PARTITION_BITS
    ) -> None:
        self._path = path
        self._headroom_bytes = headroom_bytes
        self._bits = partition_bits
        self._lock = schema.lock(path)
        self._connection = schema.open_history(path)
        self._identity = _identity(path)
        self._names = dict[str, int]()
        self._new_names = list[str]()
        self._dictionary: bytes = self._one("SELECT value FROM setting WHERE name = 'dictionary'")
        self._indexed = int(self._one("SELECT value FROM setting WHERE name = 'indexed'") or 0)
        last_partition = self._one("SELECT max(id) FROM partition") or 0
        self._next_id = 1 + max(
            self._one("SELECT max(id) FROM event") or 0, self._indexed, (last_partition << self._bits) - 1, 0
        )
        self.totals = {
            (name, _decode_labels(labels)): Total(value, created)
            for name, labels, value, created in self._connection.execute("SELECT * FROM total").fetchall()
        }
        self.cursors = dict[str, int](self._connection.execute("SELECT output, seq FROM cursor").fetchall())

    @property
    def newest(self) -> int:
        """ID of the newest event that was ever stored; 0 without one."""
        return self._next_id - 1

    def close(self) -> None:
        """Write everything into the main file, and close."""
        with suppress(sqlite3.Error):  # the next start reads the WAL
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()
        os.close(self._lock)

    def reader(self) -> HistoryReader:
        """Open a connection for reading."""
        return HistoryReader(schema.connect(self._path), partition_bits=self._bits)

    # Store

    def store(
        self, events: Sequence[Event], increments: Sequence[Increments], owed: Iterable[tuple[CounterKey, float]]
    ) -> list[Stored]:
        """Store events in one transaction, and add to counters.

        Args:
            events: Events.
            increments: For each event, what is added to counters if it is new.
            owed: What is added to counters besides.

        Raises:
            DiskFullError: Less than the headroom is free.
            FileRemovedError: The file was removed or replaced.
            sqlite3.Error: Nothing was stored.
        """
        self._check_file()
        execute = self._connection.execute
        before = self._next_id
        execute("BEGIN IMMEDIATE")
        try:
            stored = [Stored(self._insert(event), event) for event in events]
            sums: dict[CounterKey, float] = {}
            for one, own in zip(stored, increments or [()] * len(stored), strict=True):
                for key, value in own if one.id > 0 else ():
                    sums[key] = sums.get(key, 0.0) + value
            for key, value in owed:
                sums[key] = sums.get(key, 0.0) + value
            self._add(sums, events[-1].received if events else 0.0)
            self._extend_partitions([one for one in stored if one.id > 0])
            execute("COMMIT")
        except BaseException:
            self._rollback()
            self._next_id = before
            raise
        self._new_names.clear()
        return stored

    def save_cursors(self, cursors: Mapping[str, int]) -> None:
        """Replace the cursors of the outputs."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            execute("DELETE FROM cursor")
            self._connection.executemany("INSERT INTO cursor VALUES (?, ?)", list(cursors.items()))
            execute("COMMIT")
        except BaseException:
            self._rollback()
            raise

    def _insert(self, event: Event) -> int:
        """Insert an event; return its ID as `Stored` has it."""
        try:
            time_ms, delay_ms, hash_, kind, place, device, payload = codec.row_of(event, self._dictionary)
        except (
            ValueError,
            OverflowError,
            TypeError,
        ):  # a bug of who built it: the others of the transaction are stored
            return UNENCODABLE
        if self._is_stored(time_ms, hash_):
            return 0
        id_ = self._next_id
        self._connection.execute(
            "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (id_, time_ms, delay_ms, hash_, self._name(kind), self._name(place), self._name(device), payload),
        )
        self._next_id = id_ + 1
        return id_

    def _is_stored(self, time_ms: int, hash_: int) -> bool:
        found = self._connection.execute(
            "SELECT 1 FROM event WHERE time = ? AND hash = ? AND delay <> 0 "
            "UNION ALL SELECT 1 FROM event WHERE hash = ? AND delay = 0 LIMIT 1",
            (time_ms, hash_, hash_),
        ).fetchone()
        return found is not None

    def known(self, event: Event) -> bool:
        """Return whether an event is stored already. Works on a full disk."""
        return self._is_stored(round(event.time * 1000), codec.hash_of(event.id))

    def _name(self, text: str) -> int:
        code = self._names.get(text)
        if code is not None:
            return code
        row = self._connection.execute("SELECT id FROM name WHERE text = ?", (text,)).fetchone()
        if row is None:
            code = self._connection.execute("INSERT INTO name (text) VALUES (?)", (text,)).lastrowid or 0
            self._new_names.append(text)
        else:
            code = row[0]
        if len(self._names) >= _NAMES_KEPT:
            self._names.clear()
        self._names[text] = code
        return code

    def _add(self, sums: dict[CounterKey, float], created: float) -> None:
        self._connection.executemany(
            "INSERT INTO total VALUES (?, ?, ?, ?) "
            "ON CONFLICT (name, labels) DO UPDATE SET value = value + excluded.value",
            [(name, _encode(labels).decode(), value, created) for (name, labels), value in sums.items()],
        )

    def _extend_partitions(self, stored: list[Stored]) -> None:
        spans = dict[int, list[int]]()
        for id_, event in stored:
            spans.setdefault(id_ >> self._bits, []).append(round(event.time * 1000))
        self._connection.executemany(
            "INSERT INTO partition VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
            "first_time = min(first_time, excluded.first_time), last_time = max(last_time, excluded.last_time)",
            [(partition, min(times), max(times)) for partition, times in spans.items()],
        )

    def _check_file(self) -> None:
        if _identity(self._path) != self._identity:
            raise FileRemovedError
        if self._headroom_bytes:
            space = os.statvfs(self._path.parent)
            if space.f_bavail * space.f_frsize < self._headroom_bytes:
                raise DiskFullError

    def _rollback(self) -> None:
        """Roll back, and forget what the transaction created."""
        for name in self._new_names:
            self._names.pop(name, None)
        self._new_names.clear()
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):  # SQLite rolled back itself
                self._connection.execute("ROLLBACK")

    # Index

    @property
    def unindexed(self) -> int:
        """Number of events that are not in the full-text tables yet."""
        return self._next_id - 1 - self._indexed

    def index(self) -> None:
        """Add the oldest events that are missing, at most `INDEX_STEP`, to the full-text tables."""
        rows = self._connection.execute(
            "SELECT event.id, time, delay, hash, k.text, p.text, d.text, payload FROM event "
            "JOIN name k ON k.id = kind JOIN name p ON p.id = place JOIN name d ON d.id = device "
            "WHERE event.id > ? ORDER BY event.id LIMIT ?",
            (self._indexed, INDEX_STEP),
        ).fetchall()
        indexed = rows[-1][0] if rows else self._next_id - 1
        documents = dict[int, list[tuple[int, str]]]()
        for row in rows:
            event = codec.event_of(codec.Row(*row[1:]), self._dictionary)
            documents.setdefault(row[0] >> self._bits, []).append((row[0], codec.tokens_of(event)))
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for partition, contents in documents.items():
                table = f"text_{partition}"
                self._connection.execute(
                    f"CREATE VIRTUAL TABLE IF NOT EXISTS {table} "
                    "USING fts5(tokens, content='', detail=none, columnsize=0, tokenize=ascii)"
                )
                self._connection.executemany(f"INSERT INTO {table} (rowid, tokens) VALUES (?, ?)", contents)  # noqa: S608 - a number
            self._connection.execute("INSERT OR REPLACE INTO setting VALUES ('indexed', ?)", (indexed,))
            self._connection.execute("COMMIT")
        except BaseException:
            self._rollback()
            raise
        self._indexed = indexed

    # Retention

    def oldest(self) -> float:
        """Return the Unix time of receipt of the oldest event; 0 without events."""
        row = self._connection.execute("SELECT time + delay FROM event ORDER BY id LIMIT 1").fetchone()
        return row[0] / 1000 if row is not None else 0.0

    def size_bytes(self) -> int:
        """Return the size of the used part of the file."""
        pages = self._one("PRAGMA page_count") - self._one("PRAGMA freelist_count")
        return int(pages * self._one("PRAGMA page_size"))

    def count(self) -> int:
        """Return the number of events between the oldest and the newest one."""
        low = self._one("SELECT min(id) FROM event")
        return self._next_id - low if low is not None else 0

    def delete_oldest(self, received_before: float) -> int:
        """Delete up to `DELETE_STEP` of the oldest events that were received before a Unix time; return how many.

        Partitions without events are dropped.
        """
        execute = self._connection.execute
        rows = execute(f"SELECT id, time + delay FROM event ORDER BY id LIMIT {DELETE_STEP}").fetchall()  # noqa: S608 - a number
        limit_ms = received_before * 1000
        count = next((number for number, row in enumerate(rows) if row[1] >= limit_ms), len(rows))
        if not count:
            return 0
        execute("BEGIN IMMEDIATE")
        try:
            execute("DELETE FROM event WHERE id <= ?", (rows[count - 1][0],))
            lowest = self._one("SELECT min(id) FROM event") or self._next_id
            partitions = execute("SELECT id FROM partition WHERE id < ?", (lowest >> self._bits,)).fetchall()
            for (partition,) in partitions:
                execute(f"DROP TABLE IF EXISTS text_{partition}")
                execute("DELETE FROM partition WHERE id = ?", (partition,))
            execute("COMMIT")
        except BaseException:
            self._rollback()
            raise
        return count

    def shrink(self, max_bytes: int) -> bool:
        """Return free pages to the file system if the file is larger than `max_bytes`; return whether more remain."""
        size = self._one("PRAGMA page_count") * self._one("PRAGMA page_size")
        if size <= max_bytes or not self._one("PRAGMA freelist_count"):
            return False
        self._connection.executescript(f"PRAGMA incremental_vacuum({VACUUM_PAGES});")  # steps it to its end
        return True

    def checkpoint(self) -> None:
        """Copy the WAL into the main file, as far as no reader needs it."""
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _one(self, statement: str) -> Any:
        row = self._connection.execute(statement).fetchone()
        return row[0] if row is not None else None


def _identity(path: Path) -> tuple[int, int]:
    """Return device and inode of the file; zeros if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_dev, found.st_ino
