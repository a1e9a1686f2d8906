"""The REST calls that a token has left: Mist permits 5,000 an hour and starts a new count on the full hour (UTC).

Pure arithmetic on times that are passed in: the caller waits `wait_s` and then calls `spend`. Other programs may use
the same token: `learn` takes their calls over from ``GET /self/usage``, and a reserve is left to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collector.status import RestStatus

HOUR_S: Final = 3600.0
RESERVE_SHARE: Final = 0.05  # of the calls of an hour, for other programs with the same token


class CallBudget:
    """Counts the calls of one token.

    Args:
        status: `budget_used` and `budget_limit` are the state of this object.
        reserve_share: share of the limit that is not used.
    """

    def __init__(self, status: RestStatus, *, reserve_share: float = RESERVE_SHARE) -> None:
        self._status = status
        self._reserve_share = reserve_share
        self._hour: int | None = None
        self._not_before = 0.0

    @property
    def usable(self) -> int:
        """Calls an hour that this process may make; at least one."""
        return max(1, int(self._status.budget_limit * (1 - self._reserve_share)))

    def per_hour(self, unix: float, share: float) -> float:
        """Return the calls an hour that a consumer with `share` of the budget may make.

        Fewer when the calls that are left would not last until the full hour at an even rate, because other programs
        use the token.
        """
        self._start_hour(unix)
        left_s = HOUR_S - unix % HOUR_S
        rate = max(0, self.usable - self._status.budget_used) * HOUR_S / left_s
        return share * min(float(self.usable), rate)

    def is_exhausted(self, unix: float) -> bool:
        """Return whether the calls of this hour are used up at wall-clock time `unix`."""
        self._start_hour(unix)
        return self._status.budget_used >= self.usable

    def wait_s(self, now: float, unix: float) -> float:
        """Return how long the next call has to wait, in seconds. `now` is monotonic, `unix` wall-clock time."""
        to_next_hour = HOUR_S - unix % HOUR_S if self.is_exhausted(unix) else 0.0
        return max(to_next_hour, self._not_before - now, 0.0)

    def spend(self, unix: float) -> None:
        """Count one call. Mist counts rejected calls, too."""
        self._start_hour(unix)
        self._status.budget_used += 1

    def pause(self, until: float) -> None:
        """Permit no call before monotonic time `until`: Mist has answered 429."""
        self._not_before = max(self._not_before, until)

    def learn(self, usage: object, unix: float) -> None:
        """Take over the answer of ``GET /self/usage``, ``{"requests": 5, "request_limit": 5000}``; ignore any other.

        It includes the calls of other programs, and of this one before a restart, so the larger number counts.
        """
        self._start_hour(unix)
        if not isinstance(usage, dict):
            return
        used, limit = usage.get("requests"), usage.get("request_limit")
        if isinstance(used, int) and not isinstance(used, bool):
            self._status.budget_used = max(self._status.budget_used, used)
        if isinstance(limit, int) and limit > 0:
            self._status.budget_limit = limit

    def _start_hour(self, unix: float) -> None:
        """Start a new count on the full hour. A wall clock that is set back keeps the count: the calls were made."""
        hour = int(unix // HOUR_S)
        if self._hour is not None and hour > self._hour:
            self._status.budget_used = 0
        self._hour = hour
