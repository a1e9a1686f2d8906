"""Sites and organizations that events name and no inventory lists: a few by name, and each only as long as it speaks.

An event may come of a site that is no more (Mist repeats deliveries for a long time), that is not collected, or that
nobody ever heard of. It counts; but counters of such sites would otherwise stay for ever, for nobody tells of their end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from collector.metrics.counter_table import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterable

SILENT_S: Final = 86_400.0  # a stranger of whom no event came for so long is gone


class UnknownSites:
    """At most `limit` ids at a time; those beyond are `other`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seen: dict[str, float] = {}  # when an event last named it, monotonic
        self.refused = 0  # times that one became `other`

    def __len__(self) -> int:
        """How many are known by name."""
        return len(self._seen)

    def admit(self, identity: str, now: float) -> str:
        """The id, or `other`."""
        if identity not in self._seen and len(self._seen) >= self._limit:
            self.refused += 1
            return OTHER
        self._seen[identity] = now
        return identity

    def listed(self, identities: Iterable[str]) -> None:
        """These are no strangers any more."""
        for identity in identities:
            self._seen.pop(identity, None)

    def gone(self, now: float) -> set[str]:
        """Forget, and return, those of whom no event came for long."""
        silent = {identity for identity, seen in self._seen.items() if seen < now - SILENT_S}
        for identity in silent:
            del self._seen[identity]
        return silent
