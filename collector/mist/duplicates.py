"""A memory for events already seen: Mist repeats deliveries and numbers none of them."""

from __future__ import annotations

from collections import deque


class Duplicates:
    """Remembers the identities of events for `keep_s` seconds, at most `limit` of them; the oldest go first.

    Costs about 0.3 us an event and, full with the default limit, some 55 MB. A repetition does not renew the
    memory of the first sight, so the order of arrival is the order of forgetting.
    """

    def __init__(self, *, keep_s: float = 21600, limit: int = 500_000) -> None:
        self._keep_s = keep_s
        self._limit = limit
        self._known: set[int] = set()
        self._order: deque[int] = deque()
        self._times: deque[float] = deque()  # beside `_order`, not in tuples with it: half the memory

    def __len__(self) -> int:
        return len(self._known)

    def seen(self, identity: int, now: float) -> bool:
        """Return whether `identity` is remembered, and remember it if not. `now` in seconds of any one clock."""
        self._forget(now - self._keep_s)
        if identity in self._known:
            return True
        self._known.add(identity)
        self._order.append(identity)
        self._times.append(now)
        if len(self._order) > self._limit:
            self._forget_oldest()
        return False

    def _forget(self, until: float) -> None:
        while self._times and self._times[0] <= until:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        self._times.popleft()
        self._known.remove(self._order.popleft())
