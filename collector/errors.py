"""The exceptions of the collector, grouped by the required action: none (transient) or operator action.

::

    CollectorError
    |- UsageError             operator: the arguments of a command are not valid
    |- ConfigError            operator: the configuration is not valid; every fault is listed
    |- ListenError            operator: an address cannot be bound
    |- RemoteError            the Mist cloud gave an error, an invalid answer or none
    |  |- Retryable           transient: retried with backoff
    |  |  `- MalformedAnswer   an answer exceeds a limit or cannot be parsed; it costs that answer only
    |  |- RateLimited         transient: retried after `retry_after_s`
    |  `- Fatal               operator action required: token, permissions or address are wrong
    |- DecodeError            a payload could not be decoded; counted by `reason`
    |- HistoryError           operator: the file of the event history cannot be used
    |- HistoryUnavailable     transient: events cannot be stored or read at present (disk full, too many requests)
    `- SignatureError         operator or attacker: a webhook delivery has no valid signature

In the data path a returned `Rejected` replaces an exception: an invalid frame is not exceptional there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Rejected:
    """A frame or an event that was not applied. `reason` is a label value from a fixed vocabulary."""

    reason: str


class CollectorError(Exception):
    """Base of all errors that the collector raises deliberately."""


class UsageError(CollectorError):
    """The arguments of a command are not valid; the message states what is."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One error in a configuration file.

    Attributes:
        path: key path, such as `accounts[0].cloud`; empty for the file as a whole.
        problem: what is wrong.
        remedy: what is allowed or has to be done.
    """

    path: str
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        tail = f" ({self.remedy})" if self.remedy else ""
        return f"{self.path or '(file)'}: {self.problem}{tail}"


class ConfigError(CollectorError):
    """The configuration in `file` is not valid; `faults` lists every error, not only the first."""

    def __init__(self, file: str, faults: Sequence[Fault]) -> None:
        self.file = file
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{file}: {fault}" for fault in self.faults))


class ListenError(CollectorError):
    """The address `where` (host:port) cannot be bound; `cause` is the reason as a text."""

    def __init__(self, where: str, cause: str) -> None:
        self.where = where
        self.cause = cause
        super().__init__(f"cannot listen on {where}: {cause}")


class RemoteError(CollectorError):
    """A request to the Mist cloud failed. `where` is a URL without secrets, `status` the HTTP status, if any."""

    def __init__(self, detail: str, *, where: str = "", status: int | None = None) -> None:
        self.detail = detail
        self.where = where
        self.status = status
        prefix = f"{where}: " if where else ""
        suffix = f" (HTTP {status})" if status is not None else ""
        super().__init__(f"{prefix}{detail}{suffix}")


class Retryable(RemoteError):  # noqa: N818 - named for its handling
    """A network error or a 5xx answer: retry with backoff."""


class MalformedAnswer(Retryable):
    """A REST answer that exceeds a limit or cannot be parsed.

    Attributes:
        counted: whether `mist_collector_rest_calls_total{outcome="malformed"}` has counted it.
    """

    def __init__(self, reason: str, *, where: str = "", status: int | None = None) -> None:
        self.counted = False
        super().__init__(f"unexpected answer: {reason}", where=where, status=status)


class RateLimited(RemoteError):  # noqa: N818 - as above
    """HTTP 429: retry after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: float, *, where: str = "", status: int | None = 429) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"rate limited, retry after {retry_after_s:g} s", where=where, status=status)


class Fatal(RemoteError):  # noqa: N818 - as above
    """400, 401, 403, 404: the request fails until the token, its permissions or the address change."""


class DecodeError(CollectorError):
    """A payload could not be decoded. `reason` is a label value from a fixed vocabulary."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class HistoryError(CollectorError):
    """The file `path` of the event history cannot be used: it is damaged, foreign or of a newer version."""

    def __init__(self, path: str, problem: str, remedy: str) -> None:
        self.path = path
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{path} {problem} ({remedy})")


class HistoryUnavailable(CollectorError):  # noqa: N818 - named for its handling, as RateLimited
    """Events cannot be stored or read at present. `reason` is a label value from a fixed vocabulary."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the event history is not available: {reason}")


class SignatureError(CollectorError):
    """A webhook delivery has no valid signature. `reason` is a label value from a fixed vocabulary."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
