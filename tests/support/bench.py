"""An object kind under test: its entities compiled alone, payloads applied, and the exposition as short text."""

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
    """Return every sample: `name{labels}` -> value."""
    lines = [line for line in render_all(store).decode().splitlines() if not line.startswith("#")]
    found = {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}
    assert len(found) == len(lines), "a series appears twice"
    return found


class Bench:
    """One object kind with a store of its own. Objects have one label, `mac` by default."""

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
        """Rejected fields by reason."""
        return self.kind.decoder.rejected

    def apply(self, *payloads: object, mac: str = "m", now: float = 1.0) -> dict[str, float]:
        """Apply messages of one object and return the exposition."""
        for payload in payloads:
            struct = self.kind.decode(payload)
            assert not isinstance(struct, Rejected), struct
            self.kind.write(struct, self.kind.object_rows(mac, (mac,)), now)
        return self.exposed()

    def exposed(self) -> dict[str, float]:
        """Return the exposition."""
        return exposed(self.store)

    def sweep(self, now: float) -> list[str]:
        """End expired rows; return the identities of objects that expired."""
        expired: list[str] = []
        self.row_index.sweep(now, list(self.row_index.objects), lambda identity, _rows: expired.append(identity))
        return expired
