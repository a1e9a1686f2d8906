"""Rows of single clients or assets, for operators who chose to see them: never more than a cap, none by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    import msgspec

    from collector.metrics.compiler import ObjectKind


class Individuals:
    """Writes what `kind` tells of each, for at most `limit` at a time; 0 means that nobody asked for any.

    `chosen` are MACs that are told even so, and nobody else then.
    """

    def __init__(self, kind: ObjectKind, limit: int, chosen: Collection[str] = ()) -> None:
        self._kind = kind
        self._limit = limit or len(chosen)
        self._chosen = frozenset() if limit else frozenset(chosen)
        self.refused = 0  # messages of those beyond the cap

    def write(self, identity: str, labels: tuple[str, str, str], struct: msgspec.Struct, now: float) -> None:
        """Write one's message; `labels` are org, site and MAC."""
        if not self._limit or (self._chosen and labels[2] not in self._chosen):
            return
        known = self._kind.row_index.objects
        if identity not in known and len(known) >= self._limit:
            self.refused += 1
            return
        self._kind.write(struct, self._kind.object_rows(identity, labels), now)

    def remove(self, identity: str) -> None:
        """End the rows of one who went, if there are any."""
        if self._limit:
            self._kind.row_index.remove(identity)

    def sweep(self, now: float) -> int:
        """End what was not spoken of for its time to live inside the rows; how many."""
        roster = self._kind.row_index
        return roster.sweep(now, list(roster.objects), lambda _identity, _place: None)
