"""Queries: a filter becomes tokens for the full-text tables, and a check of every hit.

Only the full-text tables and ranges of IDs select candidates; the check decides. What is not indexed yet is examined
event by event, as is a filter without tokens. Read transactions are short: one statement each.
"""

from __future__ import annotations

import re
import sqlite3
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from collector.event_query import EventPage, StoredEvent
from collector.events import codec
from collector.events.codec import Row
from collector.events.schema import PARTITION_BITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from collector.event import Event
    from collector.event_query import EventFilter

MAX_SECONDS: Final = 1.0  # of one search; its cursor continues it
STEP: Final = 200  # candidates of one statement
_NAMES_KEPT: Final = 100_000
_MAC: Final = re.compile("[0-9a-f]{12}").fullmatch
_SEPARATORS: Final = str.maketrans("", "", ":-.")
_COLUMNS: Final = "id, time, delay, hash, kind, place, device, payload"


class Term(NamedTuple):
    """One term of a free-text filter.

    Attributes:
        pattern: Finds the term, not within a word.
        prefix: Whether more letters or digits may follow.
        words: The words of the term, for the index.
    """

    pattern: re.Pattern[str]
    prefix: bool
    words: tuple[str, ...]


class Matcher:
    """The check of one filter.

    Args:
        filter_: The filter.
        hash_value: Returns the keyed hash of a value under which personal data is stored; None without one.
    """

    def __init__(self, filter_: EventFilter, hash_value: Callable[[str], str] | None = None) -> None:
        self.since, self.until = filter_.since, filter_.until
        columns = {
            "/topic": frozenset(map(str.casefold, filter_.topics)),
            "/type": frozenset(map(str.casefold, filter_.types)),
            "/severity": frozenset(map(str.casefold, filter_.severities)),
            "/status": frozenset(map(str.casefold, filter_.statuses)),
            "/site": frozenset(map(str.casefold, filter_.sites)),
            "/device": frozenset(name for device in filter_.devices for name in device_names(device)),
        }
        self._columns = [(name, values) for name, values in columns.items() if values]
        self._where = [(path, value_set(value, hash_value)) for path, value in filter_.where]
        self._terms = [_term(word) for word in filter_.text.casefold().split()]

    def matches(self, event: Event) -> bool:
        """Return whether an event passes the filter."""
        if self.since is not None and event.time < self.since:
            return False
        if self.until is not None and event.time > self.until:
            return False
        if self._columns:
            own = set(codec.column_values(event))
            if not all(any((name, value) in own for value in values) for name, values in self._columns):
                return False
        return all(_has_field(event, *pair) for pair in self._where) and self._has_text(event)

    def _has_text(self, event: Event) -> bool:
        if not self._terms:
            return True
        text = codec.searched_text(event)
        return all(term.pattern.search(text) for term in self._terms)

    def expression(self) -> str:
        """Return the expression for the full-text tables; "" if the filter contains nothing that is indexed."""
        parts = [_any_of(codec.token(name, value) for value in sorted(values)) for name, values in self._columns]
        for path, values in self._where:
            if all(map(codec.is_indexed, values)):
                name = codec.path_without_indexes(path)
                parts.append(_any_of(codec.token(name, value) for value in sorted(values)))
        for term in self._terms:
            for number, word in enumerate(term.words):
                open_end = number == len(term.words) - 1 and term.prefix
                parts.append(f'"{codec.word_token(word)}"' + (" *" if open_end else ""))
        return " AND ".join(parts)


def device_names(device: str) -> set[str]:
    """Return how a device may be stored: as it is written, and as a MAC address without separators."""
    text = device.casefold()
    bare = text.translate(_SEPARATORS)
    return {text, bare} if _MAC(bare) else {text}


def value_set(value: str, hash_value: Callable[[str], str] | None) -> frozenset[str]:
    """Return a value as it may be stored: in clear or hashed."""
    return frozenset({value.casefold()} | ({hash_value(value)} if hash_value is not None else set()))


def _term(word: str) -> Term:
    plain = word.rstrip("*")
    prefix = plain != word
    before = "(?<![^\\W_])" if plain[:1].isalnum() else ""
    behind = "(?![^\\W_])" if plain[-1:].isalnum() and not prefix else ""
    return Term(re.compile(before + re.escape(plain) + behind), prefix, tuple(codec.words_of(plain)))


def _has_field(event: Event, path: str, values: frozenset[str]) -> bool:
    own = event.fields.get(path)
    if own is not None:
        return codec.value_text(own) in values
    return any(
        codec.value_text(value) in values
        for name, value in event.fields.items()
        if len(name) > len(path) and name.startswith(path[:1]) and codec.path_without_indexes(name) == path
    )


def _any_of(tokens: Iterator[str]) -> str:
    alternatives = [f'"{text}"' for text in tokens]
    return alternatives[0] if len(alternatives) == 1 else f"({' OR '.join(alternatives)})"


@dataclass(slots=True)
class _Search:
    """One search in progress: what limits it, and what it found."""

    matcher: Matcher
    limit: int
    ends_at: float
    last: int  # the lowest ID examined
    found: list[StoredEvent]
    size: int = 0

    @property
    def full(self) -> bool:
        return len(self.found) >= self.limit or self.size >= codec.MAX_PAGE_BYTES or time.monotonic() > self.ends_at


class HistoryReader:
    """Reads a history through a connection of its own. Used by one thread at a time."""

    def __init__(self, connection: sqlite3.Connection, *, partition_bits: int = PARTITION_BITS) -> None:
        self._connection = connection
        self._bits = partition_bits
        self._names = dict[int, str]()
        self._dictionary: bytes = connection.execute("SELECT value FROM setting WHERE name = 'dictionary'").fetchone()[
            0
        ]
        connection.execute("PRAGMA query_only=1")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def search(self, matcher: Matcher, *, limit: int, after: int | None = None, newer_than: int = 0) -> EventPage:
        """Return events, the newest first; see `EventSource.query`."""
        top = self._one("SELECT max(id) FROM event") or 0
        first = top + 1 if after is None else min(after, top + 1)
        search = _Search(matcher, limit, time.monotonic() + MAX_SECONDS, first, [])
        if limit <= 0 or first - 1 <= newer_than:
            return EventPage([], None)
        indexed = int(self._one("SELECT value FROM setting WHERE name = 'indexed'") or 0)
        expression = matcher.expression()
        ranges = self._partitions(matcher)
        ended = self._scan(search, ranges, max(newer_than, indexed if expression else 0))
        if ended and expression:
            search.last = min(search.last, indexed + 1)
            ended = self._look_up(search, ranges, expression, newer_than)
        return EventPage(search.found, None if ended else search.last)

    def read(self, after: int, limit: int) -> list[StoredEvent]:
        """Return events, the oldest first; see `EventLog.read`."""
        found: list[StoredEvent] = []
        size = 0
        while len(found) < limit and size < codec.MAX_PAGE_BYTES:
            step = min(STEP, limit - len(found))
            rows = self._connection.execute(
                f"SELECT {_COLUMNS} FROM event WHERE id > ? ORDER BY id LIMIT {step}",  # noqa: S608 - constants
                (found[-1].seq if found else after,),
            ).fetchall()
            for row in rows:
                found.append(StoredEvent(row[0], self._event(row)))
                size += codec.size_of(found[-1].event)
            if len(rows) < step:
                break
        return found

    def _partitions(self, matcher: Matcher) -> list[int]:
        """Return the partitions that may contain events between `since` and `until`, the newest first."""
        since = -(2**62) if matcher.since is None else int(matcher.since * 1000) - 1
        until = 2**62 if matcher.until is None else int(matcher.until * 1000) + 1
        rows = self._connection.execute(
            "SELECT id FROM partition WHERE last_time >= ? AND first_time <= ? ORDER BY id DESC", (since, until)
        )
        return [row[0] for row in rows.fetchall()]

    def _scan(self, search: _Search, partitions: list[int], floor: int) -> bool:
        """Examine every event above `floor`; return whether all of them were examined."""
        since, until = search.matcher.since, search.matcher.until
        window = ""
        if since is not None:
            window += f" AND time >= {int(since * 1000) - 1}"
        if until is not None:
            window += f" AND time <= {int(until * 1000) + 1}"
        for partition in partitions:
            low = max(floor + 1, partition << self._bits)
            high = min(search.last, (partition + 1) << self._bits)
            while low < high:
                rows = self._connection.execute(
                    f"SELECT {_COLUMNS} FROM event WHERE id >= ? AND id < ?{window} ORDER BY id DESC LIMIT {STEP}",  # noqa: S608 - numbers
                    (low, high),
                ).fetchall()
                if not self._take(search, rows):
                    return False
                if len(rows) < STEP:
                    break
                high = search.last
        return True

    def _look_up(self, search: _Search, partitions: list[int], expression: str, newer_than: int) -> bool:
        """Examine the hits of the full-text tables; return whether all of them were examined."""
        for partition in partitions:
            low = max(newer_than + 1, partition << self._bits)
            high = min(search.last, (partition + 1) << self._bits)
            while low < high:
                ids = self._hits(partition, expression, low, high)
                if not self._take(search, [row for id_ in ids if (row := self._row(id_)) is not None]):
                    return False
                if len(ids) < STEP:
                    break
                high = ids[-1]
        return True

    def _hits(self, partition: int, expression: str, low: int, high: int) -> list[int]:
        table = f"text_{partition}"
        try:
            rows = self._connection.execute(
                f"SELECT rowid FROM {table} WHERE {table} MATCH ? AND rowid >= ? AND rowid < ? "  # noqa: S608 - a number
                f"ORDER BY rowid DESC LIMIT {STEP}",
                (expression, low, high),
            ).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):  # dropped by retention
                return []
            raise
        return [row[0] for row in rows]

    def _row(self, id_: int) -> Any:
        return self._connection.execute(f"SELECT {_COLUMNS} FROM event WHERE id = ?", (id_,)).fetchone()  # noqa: S608 - constants

    def _take(self, search: _Search, rows: list[Any]) -> bool:
        """Check candidates; return False when the search ends before all of them are examined."""
        for row in rows:
            if search.full:
                return False
            search.last = row[0]
            event = self._event(row)
            if search.matcher.matches(event):
                search.found.append(StoredEvent(row[0], event))
                search.size += codec.size_of(event)
        return True

    def _event(self, row: Any) -> Event:
        _, time_ms, delay_ms, hash_, kind, place, device, payload = row
        stored = Row(time_ms, delay_ms, hash_, self._name(kind), self._name(place), self._name(device), payload)
        return codec.event_of(stored, self._dictionary)

    def _name(self, code: int) -> str:
        name = self._names.get(code)
        if name is None:
            if len(self._names) >= _NAMES_KEPT:
                self._names.clear()
            name = self._connection.execute("SELECT text FROM name WHERE id = ?", (code,)).fetchone()[0]
            self._names[code] = name
        return name

    def _one(self, statement: str) -> Any:
        row = self._connection.execute(statement).fetchone()
        return row[0] if row is not None else None
