"""Remembers which events were seen: Mist repeats deliveries and gives them no id."""

from __future__ import annotations

from array import array
from typing import Final

_MIN_DISCARDED: Final = 1024  # forgotten entries at the front; they are removed once they are a sixteenth of all
_SETS: Final = 8  # Python rebuilds a growing set now and then: a large one would block long, and needs its memory twice


class Deduplicator:
    """Remembers the identities of events, over all topics together.

    Each topic has its own order of arrival. When the limit is reached, the topic with the most entries forgets its
    oldest: a topic that sends a hundred positions a second shortens its own memory, and does not evict last night's
    alarms. The identities themselves are in sets that all topics share, so that a full memory has the same size
    whichever topics filled it. An identity is a 64-bit integer, whatever the size of its event.

    Costs 0.8 us an event (2.5 us when full; 1.5 ms at most) and, when full with the default limit, 55 MB.

    Args:
        window_s: how long an identity is remembered.
        limit: most identities over all topics.
    """

    def __init__(self, *, window_s: float = 21600, limit: int = 500_000) -> None:
        self._window_s = window_s
        self._limit = limit
        self._known: tuple[set[int], ...] = tuple(set() for _ in range(_SETS))  # by the last bits of the key
        self._topics: dict[str, _TopicMemory] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def seen(self, topic: str, identity: int, now: float) -> bool:
        """Return whether `identity` is remembered, and remember it if not. `now` is in seconds of any one clock."""
        memory = self._topics.get(topic)
        if memory is None:
            memory = self._topics[topic] = _TopicMemory(self._known, hash(topic))
        self._size -= memory.forget(now - self._window_s)
        if memory.seen(identity, now):
            return True
        self._size += 1
        if self._size > self._limit:
            max(self._topics.values(), key=len).forget_oldest()
            self._size -= 1
        return False


class _TopicMemory:
    """The identities of one topic in their order of arrival.

    A repetition does not renew an entry, so the order of arrival is the order of expiry. Keys and times are flat arrays
    without objects, so that an entry has the same size however it arrived.

    Args:
        known: the sets that all topics share.
        salt: distinguishes equal identities of two topics.
    """

    def __init__(self, known: tuple[set[int], ...], salt: int) -> None:
        self._salt = salt
        self._known = known
        self._keys = array("q")
        self._times = array("d")
        self._oldest = 0  # index of the oldest entry in both; those before it are forgotten

    def __len__(self) -> int:
        return len(self._keys) - self._oldest

    def seen(self, identity: int, now: float) -> bool:
        """Return whether it is remembered, and remember it if not."""
        key = identity ^ self._salt
        known = self._known[key % _SETS]
        if key in known:
            return True
        known.add(key)
        self._keys.append(key)
        self._times.append(now)
        return False

    def forget(self, until: float) -> int:
        """Forget what was seen until then; returns the number of entries."""
        count = 0
        while self._oldest < len(self._times) and self._times[self._oldest] <= until:
            self.forget_oldest()
            count += 1
        return count

    def forget_oldest(self) -> None:
        """Forget the first entry."""
        key = self._keys[self._oldest]
        self._known[key % _SETS].remove(key)
        self._oldest += 1
        if self._oldest >= _MIN_DISCARDED and 16 * self._oldest >= len(self._keys):
            del self._keys[: self._oldest], self._times[: self._oldest]
            self._oldest = 0
