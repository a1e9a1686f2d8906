"""The SQLite file of the event history: schema, version, and how it is opened.

`event` contains one row per event. Strings that repeat are in `name`, the rest is compressed JSON, see `codec`. The
first index finds a duplicate by its time and the hash of its ID: neighbors in time are neighbors in the index, so that
an insert touches few pages. An event without a time of its own has the time of its receipt, which differs for every
delivery; such an event (`delay` 0) is found by its hash alone.

Events are divided into partitions by ranges of `id`. A partition has a full-text table `text_<number>`, which serves
all filters, and a row in `partition` with the range of times. Partitions are dropped as a whole: a deletion from a
full-text table is slow, and SQLite below 3.43 cannot delete from a contentless one.

`cursor` contains the ID of the last event that each output has handled.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from typing import TYPE_CHECKING, Final

from collector.errors import HistoryError
from collector.events.codec import DICTIONARY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

APPLICATION_ID: Final = 0x4D434556  # "MCEV", see PRAGMA application_id
VERSION: Final = 2
PARTITION_BITS: Final = 14  # a partition has 16,384 events
HEADER_BYTES: Final = 100  # of an SQLite file
BUSY_TIMEOUT_S: Final = 5.0
_CURSOR: Final = "CREATE TABLE cursor (output TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID"
MIGRATIONS: Final[Mapping[int, str]] = {1: _CURSOR}
"""Version -> statements that produce the next version."""

_TABLES: Final = f"""{_CURSOR};
CREATE TABLE setting (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE partition (id INTEGER PRIMARY KEY, first_time INTEGER NOT NULL, last_time INTEGER NOT NULL);
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    time INTEGER NOT NULL, -- Unix milliseconds
    delay INTEGER NOT NULL, -- of the receipt, milliseconds
    hash INTEGER NOT NULL, -- of Event.id
    kind INTEGER NOT NULL,
    place INTEGER NOT NULL,
    device INTEGER NOT NULL,
    payload BLOB NOT NULL
);
CREATE UNIQUE INDEX event_by_time ON event (time, hash) WHERE delay <> 0;
CREATE UNIQUE INDEX event_by_hash ON event (hash) WHERE delay = 0;
CREATE TABLE total (
    name TEXT NOT NULL,
    labels TEXT NOT NULL, -- JSON
    value REAL NOT NULL,
    created REAL NOT NULL,
    PRIMARY KEY (name, labels)
) WITHOUT ROWID;
"""


def lock(path: Path) -> int:
    """Lock the history for this process; return the descriptor that holds the lock until it is closed.

    The lock is of a file beside the history: SQLite loses its own locks when a descriptor of its file is closed.

    Raises:
        HistoryError: Another process holds the lock, or the file cannot be created.
    """
    beside = path.with_name(f"{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise HistoryError(
            str(path), f"cannot be opened: {_reason(error)}", "it must be writable by the user of the collector"
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise HistoryError(
            str(path), "is in use by another collector", "set a path of its own for each in events.history.path"
        ) from None
    return descriptor


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection in autocommit mode; transactions are explicit."""
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute("PRAGMA cache_size=-8192")  # KiB
    return connection


def open_history(
    path: Path, *, version: int = VERSION, migrations: Mapping[int, str] = MIGRATIONS
) -> sqlite3.Connection:
    """Open the file for writing; create or migrate it if necessary.

    Raises:
        HistoryError: The file cannot be opened, is damaged, is of another program or of a newer version.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)
        if 0 < path.stat().st_size < HEADER_BYTES:  # SQLite would take it for an empty database
            raise HistoryError(str(path), "is not a database", "move the file away to begin a new history")
        connection = connect(path)
    except sqlite3.DatabaseError as error:
        raise damaged(path, error) from None
    except OSError as error:
        raise HistoryError(
            str(path), f"cannot be opened: {_reason(error)}", "it must be writable by the user of the collector"
        ) from None
    try:
        _prepare(connection, path, version, migrations)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise damaged(path, error) from None
    except HistoryError:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, version: int, migrations: Mapping[int, str]) -> None:
    found = _number(connection, "user_version")
    application = _number(connection, "application_id")
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] and not application and not found:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        _use_wal(connection, path)
        _create(connection, version)
    elif application != APPLICATION_ID:
        raise HistoryError(str(path), "is a database of another program", "set another path in events.history.path")
    elif found > version:
        raise HistoryError(
            str(path),
            f"has the schema version {found}, and this release knows versions up to {version}",
            "install the newer release again, or move the file away to begin a new history",
        )
    else:
        _use_wal(connection, path)
        for step in range(found, version):
            _migrate(connection, path, step, migrations)
    connection.execute("PRAGMA wal_autocheckpoint=8000")  # the writer checkpoints earlier, between batches
    connection.execute("PRAGMA journal_size_limit=16777216")


def _use_wal(connection: sqlite3.Connection, path: Path) -> None:
    mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        raise HistoryError(
            str(path), "is on a file system without shared memory", "use a local file system, or events.history: memory"
        )


def _create(connection: sqlite3.Connection, version: int) -> None:
    connection.executescript(
        f"BEGIN IMMEDIATE; {_TABLES} PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={version}; COMMIT;"
    )
    connection.execute("INSERT OR IGNORE INTO setting VALUES ('dictionary', ?)", (DICTIONARY,))


def _migrate(connection: sqlite3.Connection, path: Path, step: int, migrations: Mapping[int, str]) -> None:
    if step not in migrations:
        raise HistoryError(
            str(path), f"has the schema version {step}, which this release cannot migrate", "move the file away"
        )
    connection.executescript(f"BEGIN IMMEDIATE; {migrations[step]}; PRAGMA user_version={step + 1}; COMMIT;")


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def damaged(path: Path, error: sqlite3.DatabaseError) -> HistoryError:
    """Return the error for a file that cannot be read as a history."""
    if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
        return HistoryError(
            str(path), f"cannot be opened: {error}", "it must be writable, on a file system with free space"
        )
    problem = "is not a database" if "not a database" in str(error) else f"is damaged: {error}"
    return HistoryError(str(path), problem, "move the file away to begin a new history")


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
