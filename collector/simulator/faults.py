"""The faults that a simulated cloud supports, and the active faults.

A fault is active until its `seconds` have passed, its `count` is used up, or it is healed. The servers query `Faults`
for active faults; `fault_injector` applies the faults that act on connections and permissions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

ALLOWED: dict[str, frozenset[str]] = {
    "stream_down": frozenset({"seconds", "code"}),
    "half_open": frozenset({"seconds"}),
    "revoke_site": frozenset({"seconds", "site_id"}),
    "handshake_status": frozenset({"seconds", "count", "status", "retry_after_s"}),
    "drop_acks": frozenset({"seconds", "count", "channel"}),
    "rest_status": frozenset({"seconds", "count", "status", "retry_after_s", "path"}),
    "bad_signature": frozenset({"seconds", "count"}),
    "silent_channel": frozenset({"seconds", "channel"}),
    "shared_token": frozenset({"seconds", "share"}),
}
"""Kind of fault -> its arguments.

- `stream_down`: the stream server does not listen; connections are aborted, or closed with `code` if it is given
- `half_open`: existing connections stay open, but the server neither reads from them nor writes to them
- `revoke_site`: the token loses access to `site_id`: status 403 in REST, `subscribe_failed` on its channels
- `handshake_status`: a stream handshake is answered with `status` (401, 403, 429, ...)
- `drop_acks`: subscriptions are accepted without acknowledgement; only those of `channel` if it is given
- `rest_status`: REST calls are answered with `status`; only those below `path` if it is given
- `bad_signature`: webhook deliveries have signatures of another secret
- `silent_channel`: channels that start with `channel` stay subscribed, but deliver no messages
- `shared_token`: other programs have used this `share` of the hourly call limit of every token
"""

REQUIRED: dict[str, frozenset[str]] = {
    "revoke_site": frozenset({"site_id"}),
    "handshake_status": frozenset({"status"}),
    "rest_status": frozenset({"status"}),
    "silent_channel": frozenset({"channel"}),
    "shared_token": frozenset({"share"}),
}

_TYPES: dict[str, tuple[type, ...]] = {
    "seconds": (int, float),
    "retry_after_s": (int, float),
    "count": (int,),
    "status": (int,),
    "code": (int,),
    "site_id": (str,),
    "channel": (str,),
    "path": (str,),
    "share": (int, float),
}


@dataclass(slots=True)
class ActiveFault:
    """An active fault.

    Attributes:
        kind: Kind of fault.
        subject: Site id, or prefix of a channel or path, to which the fault is limited; "" for no limit.
        until: Monotonic time at which it ends; None until it is healed.
        count: How often it can still occur; None for no limit.
        status: HTTP status.
        retry_after_s: Value of the Retry-After header, if given.
        code: WebSocket close code, if given.
        share: Share of the hourly call limit.
    """

    kind: str
    subject: str = ""
    until: float | None = None
    count: int | None = None
    status: int = 0
    retry_after_s: float | None = None
    code: int | None = None
    share: float = 0.0

    def retry_after(self, now: float) -> int | None:
        """Return the seconds for a Retry-After header: the given value, else the time until the fault ends."""
        if self.retry_after_s is not None:
            return math.ceil(self.retry_after_s)
        return None if self.until is None else max(1, math.ceil(self.until - now))


class Faults:
    """The active faults. Every method takes the monotonic time as an argument."""

    def __init__(self) -> None:
        self._active: dict[tuple[str, str], ActiveFault] = {}

    def start(self, kind: str, arguments: dict[str, Any], now: float) -> ActiveFault:
        """Activate a fault; it replaces a fault of the same kind and subject.

        Raises:
            ValueError: For an unknown kind, or an argument that is missing, unknown or of the wrong type.
        """
        _validate(kind, arguments)
        seconds = arguments.get("seconds")
        fault = ActiveFault(
            kind=kind,
            subject=arguments.get("site_id") or arguments.get("channel") or arguments.get("path") or "",
            until=None if seconds is None else now + seconds,
            count=arguments.get("count"),
            status=arguments.get("status", 0),
            retry_after_s=arguments.get("retry_after_s"),
            code=arguments.get("code"),
            share=arguments.get("share", 0.0),
        )
        self._active[kind, fault.subject] = fault
        return fault

    def end(self, kind: str | None = None) -> list[ActiveFault]:
        """Deactivate every fault of this kind, or all; return them."""
        ended = [fault for fault in self._active.values() if kind in (None, fault.kind)]
        for fault in ended:
            del self._active[fault.kind, fault.subject]
        return ended

    def expire(self, now: float) -> list[ActiveFault]:
        """Deactivate the faults whose time has passed; return them."""
        expired = [fault for fault in self._active.values() if fault.until is not None and fault.until <= now]
        for fault in expired:
            del self._active[fault.kind, fault.subject]
        return expired

    def match(self, kind: str, now: float, subject: str = "") -> ActiveFault | None:
        """Return the active fault of this kind that applies to `subject`, and count one occurrence; None without one.

        A fault with a subject applies to every subject that starts with it.
        """
        for fault in self._active.values():
            expired = fault.until is not None and fault.until <= now
            if fault.kind == kind and not expired and subject.startswith(fault.subject):
                self._count(fault)
                return fault
        return None

    def active(self, now: float) -> list[dict[str, Any]]:
        """Return the active faults with their remaining seconds and occurrences."""
        return [
            {
                "kind": fault.kind,
                "subject": fault.subject,
                "seconds_left": None if fault.until is None else max(0.0, fault.until - now),
                "count_left": fault.count,
            }
            for fault in self._active.values()
        ]

    def _count(self, fault: ActiveFault) -> None:
        if fault.count is None:
            return
        fault.count -= 1
        if fault.count <= 0:
            del self._active[fault.kind, fault.subject]


def _validate(kind: str, arguments: dict[str, Any]) -> None:
    if kind not in ALLOWED:
        raise ValueError(f"unknown fault {kind!r}; expected one of {', '.join(sorted(ALLOWED))}")
    unknown = arguments.keys() - ALLOWED[kind]
    if unknown:
        raise ValueError(
            f"{kind} has the arguments {', '.join(sorted(ALLOWED[kind]))}, not {', '.join(sorted(unknown))}"
        )
    missing = REQUIRED.get(kind, frozenset()) - arguments.keys()
    if missing:
        raise ValueError(f"{kind} requires {', '.join(sorted(missing))}")
    for name, value in arguments.items():
        if isinstance(value, bool) or not isinstance(value, _TYPES[name]):
            raise ValueError(f"{name} must be {' or '.join(t.__name__ for t in _TYPES[name])}")  # noqa: TRY004 - one kind of error for all that is wrong in a request
