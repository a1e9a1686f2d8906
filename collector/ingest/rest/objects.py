"""Objects that REST answers with, on their way to the feeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from collector.error_log import ErrorLog
from collector.errors import Rejected

HandleObject = Callable[[str, dict[str, object], dict[str, str]], Rejected | None]
"""Takes an object: its kind, its JSON, and the ids of its org and site. Returns why it was not applied."""

INTERNAL_ERROR: Final = Rejected("internal_error")


@dataclass(frozen=True, slots=True)
class RestObject:
    """One object of Mist.

    Attributes:
        kind: what it is, for the feeds: "org", "site", "inventory", "device", ...
        payload: its JSON.
        ids: `org_id` and, where they apply, `site_id` (may be empty) and `mac`.
    """

    kind: str
    payload: dict[str, object]
    ids: dict[str, str]


class ContainedHandler:
    """Calls `handle` and contains its exceptions: an object that raises must not prevent the others from being applied.

    Args:
        handle: takes the objects.
        account: name of the account, for the log.
    """

    def __init__(self, handle: HandleObject, account: str) -> None:
        self._handle = handle
        self._account = account
        self._errors = ErrorLog()

    def __call__(self, kind: str, payload: dict[str, object], ids: dict[str, str]) -> Rejected | None:
        """Return what `handle` returns, `INTERNAL_ERROR` when it raises; logged once per distinct error."""
        try:
            return self._handle(kind, payload, ids)
        except Exception as error:  # noqa: BLE001 - whatever it is, it costs this object only
            facts = {"account": self._account, "kind": kind, **ids}
            self._errors.log("rest_object_failed", error, quote=False, **facts)
            return INTERNAL_ERROR
