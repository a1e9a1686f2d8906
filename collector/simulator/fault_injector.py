"""Fault injection: starts and ends faults, and applies their effects on connections and permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collector.clock import Clock
    from collector.simulator.faults import ActiveFault, Faults
    from collector.simulator.permissions import Permissions
    from collector.simulator.stream import StreamServer


class FaultInjector:
    """Starts and ends faults, and applies those that act on the stream server or on the permissions."""

    def __init__(self, faults: Faults, *, stream: StreamServer, permissions: Permissions, clock: Clock) -> None:
        self._faults = faults
        self._stream = stream
        self._permissions = permissions
        self._clock = clock

    async def inject(self, kind: str, **arguments: Any) -> ActiveFault:
        """Start a fault, see `ALLOWED`.

        Raises:
            ValueError: For an unknown kind, or an argument that is missing, unknown or of the wrong type.
        """
        fault = self._faults.start(kind, arguments, self._clock.now())
        if kind == "stream_down":
            await self._stream.stop(fault.code)
        elif kind == "half_open":
            self._stream.freeze()
        elif kind == "revoke_site":
            self._permissions.denied.add(fault.subject)
            self._stream.end_denied_subscriptions()
        return fault

    async def heal(self, kind: str | None = None) -> None:
        """End the faults of this kind, or all."""
        await self._revert(self._faults.end(kind))

    async def heal_expired(self) -> None:
        """End the faults whose time has passed."""
        await self._revert(self._faults.expire(self._clock.now()))

    def active(self) -> list[dict[str, Any]]:
        """Return the active faults with their remaining seconds and occurrences."""
        return self._faults.active(self._clock.now())

    async def _revert(self, faults: list[ActiveFault]) -> None:
        for fault in faults:
            if fault.kind == "stream_down":
                await self._stream.start()
            elif fault.kind == "half_open":
                self._stream.unfreeze()
            elif fault.kind == "revoke_site":
                self._permissions.denied.discard(fault.subject)
