"""Trouble on demand: which faults a fake cloud can have, and which it has now.

A fault lasts until its `seconds` are over, its `count` is used up, or it is healed. This module only keeps the book;
the servers ask it, and `cloud.FakeCloud` acts where a fault begins or ends with a deed (see `DEEDS`).
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
    "mute": frozenset({"seconds", "channel"}),
    "shared_token": frozenset({"seconds", "share"}),
}
"""Each kind of fault and what may be said about it.

- `stream_down`: no server listens for streams; connections are cut, or closed with `code` when one is given
- `half_open`: the connections that are open now stay so, but nothing comes from them and nothing is read
- `revoke_site`: the token loses its rights to `site_id`: REST 403, `subscribe_failed` on its channels
- `handshake_status`: a stream handshake is answered with `status` (401, 403, 429...)
- `drop_acks`: subscriptions work but are not acknowledged; only of `channel` when one is given
- `rest_status`: REST answers `status`; only below `path` when one is given
- `bad_signature`: webhook deliveries carry signatures made with a wrong secret
- `mute`: channels that begin with `channel` stay subscribed, and bring nothing
- `shared_token`: other programs have made this `share` of the hour's calls of every token
"""

NEEDED: dict[str, frozenset[str]] = {
    "revoke_site": frozenset({"site_id"}),
    "handshake_status": frozenset({"status"}),
    "rest_status": frozenset({"status"}),
    "mute": frozenset({"channel"}),
    "shared_token": frozenset({"share"}),
}
DEEDS = frozenset({"stream_down", "half_open", "revoke_site"})

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
class Fault:
    """One fault that is on. `until` is in monotonic seconds, None until healed; `subject` is what it is about."""

    kind: str
    subject: str = ""
    until: float | None = None
    count: int | None = None
    status: int = 0
    retry_after_s: float | None = None
    code: int | None = None
    share: float = 0.0

    def retry_after(self, now: float) -> int | None:
        """Return the whole seconds for a Retry-After header: as told, else until the fault is over."""
        if self.retry_after_s is not None:
            return math.ceil(self.retry_after_s)
        return None if self.until is None else max(1, math.ceil(self.until - now))


class Faults:
    """The faults that are on now. Every method takes the time (monotonic seconds) instead of reading a clock."""

    def __init__(self) -> None:
        self._active: dict[tuple[str, str], Fault] = {}

    def begin(self, kind: str, arguments: dict[str, Any], now: float) -> Fault:
        """Switch a fault on; the same kind about the same subject is replaced.

        Raises ValueError that names the unknown kind, the argument that is missing, unknown or of the wrong type.
        """
        _check(kind, arguments)
        seconds = arguments.get("seconds")
        fault = Fault(
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

    def end(self, kind: str | None = None) -> list[Fault]:
        """Switch off every fault of this kind, or all; return those that were on."""
        ended = [fault for fault in self._active.values() if kind in (None, fault.kind)]
        for fault in ended:
            del self._active[fault.kind, fault.subject]
        return ended

    def expire(self, now: float) -> list[Fault]:
        """Switch off the faults whose time is over; return them."""
        over = [fault for fault in self._active.values() if fault.until is not None and fault.until <= now]
        for fault in over:
            del self._active[fault.kind, fault.subject]
        return over

    def strikes(self, kind: str, now: float, text: str = "") -> Fault | None:
        """Return the fault of this kind that hits `text` now, using up one of its `count`; None when all is well.

        A fault about a subject hits texts that begin with it.
        """
        for fault in self._active.values():
            over = fault.until is not None and fault.until <= now
            if fault.kind == kind and not over and text.startswith(fault.subject):
                self._use(fault)
                return fault
        return None

    def now_on(self, now: float) -> list[dict[str, Any]]:
        """List the faults that are on, with the seconds that each has left, for people and tests."""
        return [
            {
                "kind": fault.kind,
                "subject": fault.subject,
                "seconds_left": None if fault.until is None else max(0.0, fault.until - now),
                "count_left": fault.count,
            }
            for fault in self._active.values()
        ]

    def _use(self, fault: Fault) -> None:
        if fault.count is None:
            return
        fault.count -= 1
        if fault.count <= 0:
            del self._active[fault.kind, fault.subject]


def _check(kind: str, arguments: dict[str, Any]) -> None:
    if kind not in ALLOWED:
        raise ValueError(f"unknown fault {kind!r}; there are {', '.join(sorted(ALLOWED))}")
    unknown = arguments.keys() - ALLOWED[kind]
    if unknown:
        raise ValueError(f"{kind} takes {', '.join(sorted(ALLOWED[kind]))}, not {', '.join(sorted(unknown))}")
    missing = NEEDED.get(kind, frozenset()) - arguments.keys()
    if missing:
        raise ValueError(f"{kind} needs {', '.join(sorted(missing))}")
    for name, value in arguments.items():
        if isinstance(value, bool) or not isinstance(value, _TYPES[name]):
            raise ValueError(f"{name} must be {' or '.join(t.__name__ for t in _TYPES[name])}")  # noqa: TRY004 - one kind of error for all that is wrong in a request
