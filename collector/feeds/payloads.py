"""The forms in which a channel's payload arrives (an object, JSON text of one, a list of objects), and lists inside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from collector.errors import Rejected
from collector.tolerant_json import loads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

EMPTY = Rejected("empty")
_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode


class InnerList(NamedTuple):
    """A list inside a payload whose elements are objects of another feed.

    `apply(elements, ids, now)` takes whatever stands under `key` (a list of texts, where the payload was text); `beside`
    is the field of the payload without which the list is not believed, empty when it always is.
    """

    key: str
    beside: str
    apply: Callable[[object, Mapping[str, str], float], None]


class Inside:
    """Hands the lists inside payloads to their feeds. Most payloads have none, and that is seen before parsing.

    Of a text only what is asked for is parsed; an element is handed on as the text that it is.
    """

    def __init__(self, lists: Sequence[InnerList]) -> None:
        self._lists = lists
        self._marks = tuple(f'"{one.key}"' for one in lists)
        keys = dict.fromkeys(key for one in lists for key in (one.key, one.beside) if key)
        names = {f"f{number}": key for number, key in enumerate(keys)}
        fields = [(name, msgspec.Raw, msgspec.Raw(b"null")) for name in names]
        self._read = msgspec.json.Decoder(msgspec.defstruct("Lists", fields, rename=names)).decode
        self._attributes = {key: name for name, key in names.items()}

    def apply(self, payload: object, ids: Mapping[str, str], now: float) -> None:
        """Apply every list that is there; `ids` says whose payload it is."""
        if isinstance(payload, str):
            if not any(mark in payload for mark in self._marks):
                return
            payload = self._parts_of(payload)
        if not isinstance(payload, dict):
            return
        for one in self._lists:
            if not one.beside or payload.get(one.beside) is not None:
                one.apply(payload.get(one.key), ids, now)

    def _parts_of(self, text: str) -> object:
        """The fields that are asked for; the lists hold texts. Where that cannot be had, the whole object."""
        try:
            found = self._read(text)
            return {key: part_of(bytes(getattr(found, name))) for key, name in self._attributes.items()}
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return loads(text)


def part_of(raw: bytes) -> object:
    """A list of the texts of its elements; anything else as it is."""
    return list(map(bytes, _elements(raw))) if raw[:1] == b"[" else loads(raw)


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
