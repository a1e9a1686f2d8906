"""A table on the bench: entities compiled alone, told payloads, and what is exposed then, as short text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.errors import Rejected
from collector.metrics.compiler import ObjectKind
from collector.metrics.row_index import RowIndex
from collector.metrics.store import Store
from collector.metrics.text_format import render_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.metrics.model import Entity


def exposed(store: Store) -> dict[str, float]:
    """Every sample: `name{labels}` -> value."""
    lines = [line for line in render_all(store).decode().splitlines() if not line.startswith("#")]
    found = {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}
    assert len(found) == len(lines), "a series is told twice"
    return found


class Bench:
    """One object kind with a store of its own; objects are called by one label, `mac`, unless told otherwise."""

    def __init__(
        self,
        roots: Entity | Sequence[Entity],
        *nested: Entity,
        name: str = "object",
        labels: tuple[str, ...] = ("mac",),
        **more: object,
    ) -> None:
        self.store = Store()
        self.row_index = RowIndex(labels)
        roots = roots if isinstance(roots, tuple | list) else (roots,)
        self.kind = ObjectKind(name, self.store, self.row_index, roots, nested, **more)

    @property
    def rejected(self) -> dict[str, int]:
        """What was left out, by reason."""
        return self.kind.decoder.rejected

    def tell(self, *payloads: object, mac: str = "m", now: float = 1.0) -> dict[str, float]:
        """Apply messages about one object; everything that is exposed then."""
        for payload in payloads:
            struct = self.kind.decode(payload)
            assert not isinstance(struct, Rejected), struct
            self.kind.write(struct, self.kind.object_rows(mac, (mac,)), now)
        return self.exposed()

    def exposed(self) -> dict[str, float]:
        """Everything that is exposed."""
        return exposed(self.store)

    def sweep(self, now: float) -> list[str]:
        """End what is past its time; who fell silent."""
        silent: list[str] = []
        self.row_index.sweep(now, list(self.row_index.objects), lambda identity, _place: silent.append(identity))
        return silent
