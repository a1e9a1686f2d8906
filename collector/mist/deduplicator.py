"""A memory for events already seen: Mist repeats deliveries and numbers none of them."""

from __future__ import annotations

from array import array
from typing import Final

_LARGEST_GAP: Final = 1024  # forgotten places at the front; more are cleared away once they are a sixteenth
_SETS: Final = 8  # a set is laid out anew now and then: a large one would hold up everybody, and needs room twice


class Deduplicator:
    """Remembers the identities of events for `keep_s` seconds, at most `limit` of them over all topics.

    Each topic has an order of its own. When all together are full, the longest forgets its oldest: a topic that brings
    a hundred positions a second shortens its own memory, and does not push last night's alarms out of theirs. What is
    known stands in sets that all topics share, so that a full memory takes as much whichever topics filled it.
    Costs some 0.8 us an event (2.5 once full; 1.5 ms at worst) and, full with the default limit, some 55 MB.
    """

    def __init__(self, *, keep_s: float = 21600, limit: int = 500_000) -> None:
        self._keep_s = keep_s
        self._limit = limit
        self._known: tuple[set[int], ...] = tuple(set() for _ in range(_SETS))  # by the last bits
        self._topics: dict[str, Order] = {}
        self._size = 0  # over all topics

    def __len__(self) -> int:
        return self._size

    def seen(self, topic: str, identity: int, now: float) -> bool:
        """Return whether `identity` is remembered, and remember it if not. `now` in seconds of any one clock."""
        order = self._topics.get(topic)
        if order is None:
            order = self._topics[topic] = Order(self._known, hash(topic))
        self._size -= order.forget(now - self._keep_s)
        if order.knows(identity, now):
            return True
        self._size += 1
        if self._size > self._limit:
            max(self._topics.values(), key=len).forget_oldest()
            self._size -= 1
        return False


class Order:
    """What is known of one topic, in the order of its arrival; `salt` tells equal identities of two topics apart.

    A repetition does not renew the memory of the first sight, so the order of arrival is the order of forgetting.
    Order and times are flat arrays, which hold no objects: what is remembered takes as much however it came.
    """

    def __init__(self, known: tuple[set[int], ...], salt: int) -> None:
        self._salt = salt
        self._known = known
        self._keys = array("q")
        self._times = array("d")
        self._oldest = 0  # where the oldest stands in both; what stands before it is forgotten

    def __len__(self) -> int:
        return len(self._keys) - self._oldest

    def knows(self, identity: int, now: float) -> bool:
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
        """Forget what was seen until then; return how many that were."""
        count = 0
        while self._oldest < len(self._times) and self._times[self._oldest] <= until:
            self.forget_oldest()
            count += 1
        return count

    def forget_oldest(self) -> None:
        """Forget what was seen first."""
        key = self._keys[self._oldest]
        self._known[key % _SETS].remove(key)
        self._oldest += 1
        if self._oldest >= _LARGEST_GAP and 16 * self._oldest >= len(self._keys):
            del self._keys[: self._oldest], self._times[: self._oldest]
            self._oldest = 0
