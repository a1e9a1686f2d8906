"""The forms in which a channel's payload arrives: an object, JSON text of one, a list of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.errors import Rejected
from collector.metrics.decoder import loads

if TYPE_CHECKING:
    from collections.abc import Callable

EMPTY = Rejected("empty")


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
