"""How many REST calls a token has left: 5000 an hour, counted anew on the full hour (of the wall clock).

The budget is pure arithmetic on times it is given; whoever calls waits `wait_s` and then says `spend`. Other programs
may use the same token: `learn` takes over what ``GET /self/usage`` says, and a reserve is left to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collector.status import RestStatus

HOUR_S = 3600.0
RESERVE_SHARE = 0.05  # of the hour's calls, left for people and other programs with the same token


class Budget:
    """The calls of one token; what it counts stands in `status.budget_used`, the limit in `status.budget_limit`."""

    def __init__(self, status: RestStatus, *, reserve_share: float = RESERVE_SHARE) -> None:
        self._status = status
        self._reserve_share = reserve_share
        self._hour: int | None = None
        self._not_before = 0.0

    @property
    def usable(self) -> int:
        """Calls an hour that this process allows itself; at least one."""
        return max(1, int(self._status.budget_limit * (1 - self._reserve_share)))

    def per_hour(self, unix: float, share: float) -> float:
        """Return the calls an hour that may go to somebody with this share of the budget.

        It shrinks when the calls left would not last to the full hour at the even pace, because others use the token.
        """
        self._turn(unix)
        left_s = HOUR_S - unix % HOUR_S
        pace = max(0, self.usable - self._status.budget_used) * HOUR_S / left_s
        return share * min(float(self.usable), pace)

    def exhausted(self, unix: float) -> bool:
        """Say whether this hour's calls are used up at wall-clock time `unix`."""
        self._turn(unix)
        return self._status.budget_used >= self.usable

    def wait_s(self, now: float, unix: float) -> float:
        """Return the seconds that the next call has to wait, 0 = none. `now` is monotonic, `unix` wall-clock time."""
        to_next_hour = HOUR_S - unix % HOUR_S if self.exhausted(unix) else 0.0
        return max(to_next_hour, self._not_before - now, 0.0)

    def spend(self, unix: float) -> None:
        """Count one call. Refused calls count too: Mist counts them."""
        self._turn(unix)
        self._status.budget_used += 1

    def pause(self, until: float) -> None:
        """Let no call of this token pass before monotonic time `until`: Mist has answered 429."""
        self._not_before = max(self._not_before, until)

    def learn(self, usage: object, unix: float) -> None:
        """Take over the answer of ``GET /self/usage``, ``{"requests": 5, "request_limit": 5000}``; else ignore it.

        It sees what other programs (and this one before a restart) have used, so the larger number holds.
        """
        self._turn(unix)
        if not isinstance(usage, dict):
            return
        used, limit = usage.get("requests"), usage.get("request_limit")
        if isinstance(used, int) and not isinstance(used, bool):
            self._status.budget_used = max(self._status.budget_used, used)
        if isinstance(limit, int) and limit > 0:
            self._status.budget_limit = limit

    def _turn(self, unix: float) -> None:
        """Start a new count on the hour. A wall clock that is set back keeps the count: the calls were made."""
        hour = int(unix // HOUR_S)
        if self._hour is not None and hour > self._hour:
            self._status.budget_used = 0
        self._hour = hour
