"""Optional rows per client or asset: none by default, never more than a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    import msgspec

    from collector.metrics.compiler import ObjectKind


class IndividualRows:
    """Writes the rows of single clients or assets.

    Args:
        kind: The compiled object.
        limit: Maximum number of objects with rows; 0 for no rows.
        chosen: MAC addresses that have rows also with a limit of 0, and then are the only ones.

    Attributes:
        refused: Messages of objects above the limit.
    """

    def __init__(self, kind: ObjectKind, limit: int, chosen: Collection[str] = ()) -> None:
        self._kind = kind
        self._limit = limit or len(chosen)
        self._chosen = frozenset() if limit else frozenset(chosen)
        self.refused = 0

    def write(self, identity: str, labels: tuple[str, str, str], struct: msgspec.Struct, now: float) -> None:
        """Write a message of an object, if it may have rows.

        Args:
            identity: Identity of the object.
            labels: Org, site and MAC address.
            struct: The decoded message.
            now: Monotonic seconds.
        """
        if not self._limit or (self._chosen and labels[2] not in self._chosen):
            return
        known = self._kind.row_index.objects
        if identity not in known and len(known) >= self._limit:
            self.refused += 1
            return
        self._kind.write(struct, self._kind.object_rows(identity, labels), now)

    def remove(self, identity: str) -> None:
        """End the rows of an object."""
        if self._limit:
            self._kind.row_index.remove(identity)

    def sweep(self, now: float) -> int:
        """End nested rows past their time to live; return their number."""
        row_index = self._kind.row_index
        return row_index.sweep(now, list(row_index.objects), lambda _identity, _rows: None)
