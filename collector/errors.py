"""Every error of the collector, grouped by who has to act.

::

    CollectorError
    |- UsageError             the operator: what a command was told cannot be done
    |- ConfigError            the operator: the configuration is wrong; every fault is named
    |- ListenError            the operator: an address to listen on cannot be had
    |- RemoteError            the Mist cloud answered badly, or not at all
    |  |- Retryable           nobody: it heals by trying again, with back-off
    |  |  `- MalformedAnswer   nobody: an answer exceeds a limit or cannot be parsed; it costs that answer only
    |  |- RateLimited         nobody: try again after `retry_after_s`
    |  `- Fatal               the operator: token, rights or address are wrong; retrying does not heal it
    |- DecodeError            nobody: a payload could not be read; it is counted by `reason`
    `- SignatureError         the operator or an attacker: a webhook was not signed as configured

On the way of the data a returned `Rejected` replaces an exception: a bad frame is an everyday event there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Rejected:
    """A frame or an event that was not applied; `reason` is a label value, so it is one of a few fixed words."""

    reason: str


class CollectorError(Exception):
    """Base of all errors raised by the collector on purpose."""


class UsageError(CollectorError):
    """What the command line says cannot be done; the message says what can."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a configuration file.

    `path` is the key path (`accounts[0].cloud`), `problem` says what is wrong, `remedy` what is allowed or to be done.
    """

    path: str
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        tail = f" ({self.remedy})" if self.remedy else ""
        return f"{self.path or '(file)'}: {self.problem}{tail}"


class ConfigError(CollectorError):
    """The configuration in `file` cannot be used; `faults` names every reason, not only the first."""

    def __init__(self, file: str, faults: Sequence[Fault]) -> None:
        self.file = file
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{file}: {fault}" for fault in self.faults))


class ListenError(CollectorError):
    """The system refused to listen on `where` (host:port); `cause` says why, in words."""

    def __init__(self, where: str, cause: str) -> None:
        self.where = where
        self.cause = cause
        super().__init__(f"cannot listen on {where}: {cause}")


class RemoteError(CollectorError):
    """The Mist cloud could not give what was asked; `where` is a URL without secrets, `status` the HTTP status."""

    def __init__(self, detail: str, *, where: str = "", status: int | None = None) -> None:
        self.detail = detail
        self.where = where
        self.status = status
        prefix = f"{where}: " if where else ""
        suffix = f" (HTTP {status})" if status is not None else ""
        super().__init__(f"{prefix}{detail}{suffix}")


class Retryable(RemoteError):  # noqa: N818 - the name says what to do with it
    """Network trouble or a 5xx: try again, with back-off."""


class MalformedAnswer(Retryable):
    """A REST answer that exceeds a limit or cannot be parsed.

    Attributes:
        counted: whether `mist_collector_rest_calls_total{outcome="malformed"}` has counted it.
    """

    def __init__(self, reason: str, *, where: str = "", status: int | None = None) -> None:
        self.counted = False
        super().__init__(f"unexpected answer: {reason}", where=where, status=status)


class RateLimited(RemoteError):  # noqa: N818 - as above
    """HTTP 429: nothing is wrong but the pace; try again after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: float, *, where: str = "", status: int | None = 429) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"rate limited, retry after {retry_after_s:g} s", where=where, status=status)


class Fatal(RemoteError):  # noqa: N818 - as above
    """400, 401, 403, 404: the request will be refused again until somebody changes the token, rights or address."""


class DecodeError(CollectorError):
    """A payload could not be read; `reason` is a bounded label value."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class SignatureError(CollectorError):
    """A webhook delivery is not signed as configured; `reason` is a bounded label value."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
