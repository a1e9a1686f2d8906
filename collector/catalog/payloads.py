"""The forms in which a channel's payload arrives (an object, JSON text of one, a list of objects), and lists inside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.errors import Rejected
from collector.metrics.decoder import loads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from collector.catalog.feed import ApplyList

EMPTY = Rejected("empty")


class Inside:
    """Lists inside a payload whose elements are objects of another feed. Most payloads have none: that is seen first."""

    def __init__(self, lists: Mapping[str, ApplyList]) -> None:
        self._lists = lists
        self._marks = tuple(f'"{key}"' for key in lists)

    def apply(self, payload: object, ids: Mapping[str, str], now: float) -> None:
        """Hand each list that is there to its feed; `ids` says whose payload it is."""
        if isinstance(payload, str):
            if not any(mark in payload for mark in self._marks):
                return
            payload = loads(payload)
        if isinstance(payload, dict):
            for key, apply_list in self._lists.items():
                apply_list(payload.get(key), ids, now)


def one_or_many(
    message: Callable[[object, float], Rejected | None], reject_part: Callable[[str], None]
) -> Callable[[object, float], Rejected | None]:
    """A handler for both: a list is applied element by element, and is rejected only when every element is.

    `reject_part` counts the elements that were left out of a list otherwise applied.
    """

    def apply(payload: object, now: float) -> Rejected | None:
        if type(payload) is str and payload[:1] == "{":
            return message(payload, now)
        if isinstance(payload, str):
            payload = loads(payload)
        if payload is None or payload == []:
            return EMPTY
        if isinstance(payload, list):
            return many(payload, now)
        return payload if isinstance(payload, Rejected) else message(payload, now)

    def many(elements: list[object], now: float) -> Rejected | None:
        reasons = [rejected.reason for element in elements if (rejected := message(element, now)) is not None]
        if len(reasons) == len(elements):
            return Rejected(reasons[0])
        for reason in reasons:
            reject_part(reason)
        return None

    return apply
