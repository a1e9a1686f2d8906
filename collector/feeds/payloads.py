"""Forms of payloads: an object, JSON text of an object, a list of objects; and lists of objects inside a payload."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from collector.errors import Rejected
from collector.tolerant_json import loads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

EMPTY = Rejected("empty")
_decode_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode


class InnerList(NamedTuple):
    """A list inside a payload with objects of another feed.

    Attributes:
        key: The field with the list.
        requires: A field without which the list is ignored; "" for none.
        apply: Applies the value of the field, called with (elements, ids of the owner, monotonic seconds). The elements
            are JSON texts if the payload was text.
    """

    key: str
    requires: str
    apply: Callable[[object, Mapping[str, str], float], None]


class InnerLists:
    """Passes the lists inside payloads to their feeds.

    Of a text, only the lists are parsed, and their elements are passed on as text. A text without any of the keys,
    which is the usual case, is not parsed at all.
    """

    def __init__(self, lists: Sequence[InnerList]) -> None:
        self._lists = lists
        self._marks = tuple(f'"{one.key}"' for one in lists)
        keys = dict.fromkeys(key for one in lists for key in (one.key, one.requires) if key)
        names = {f"f{number}": key for number, key in enumerate(keys)}
        fields = [(name, msgspec.Raw, msgspec.Raw(b"null")) for name in names]
        self._decode = msgspec.json.Decoder(msgspec.defstruct("Lists", fields, rename=names)).decode
        self._attributes = {key: name for name, key in names.items()}

    def apply(self, payload: object, ids: Mapping[str, str], now: float) -> None:
        """Apply every list of a payload.

        Args:
            payload: An object or JSON text; anything else is ignored.
            ids: IDs of the owner of the payload.
            now: Monotonic seconds.
        """
        if isinstance(payload, str):
            if not any(mark in payload for mark in self._marks):
                return
            payload = self._fields_of(payload)
        if not isinstance(payload, dict):
            return
        for one in self._lists:
            if not one.requires or payload.get(one.requires) is not None:
                one.apply(payload.get(one.key), ids, now)

    def _fields_of(self, text: str) -> object:
        """Return the fields that are needed; the whole object if the text is malformed."""
        try:
            found = self._decode(text)
            return {key: value_of(bytes(getattr(found, name))) for key, name in self._attributes.items()}
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return loads(text)


def value_of(raw: bytes) -> object:
    """Return a list as the texts of its elements, any other value parsed."""
    return list(map(bytes, _decode_elements(raw))) if raw[:1] == b"[" else loads(raw)


def one_or_many(
    message: Callable[[object, float], Rejected | None], reject_part: Callable[[str], None]
) -> Callable[[object, float], Rejected | None]:
    """Return a handler for an object or a list of objects. A list is rejected only if all of its elements are.

    Args:
        message: The handler of one object.
        reject_part: Counts the rejected elements of a list that is applied, by reason.
    """

    def apply(payload: object, now: float) -> Rejected | None:
        if type(payload) is str and payload[:1] == "{":
            return message(payload, now)
        if isinstance(payload, str):
            payload = loads(payload)
        if payload is None or payload == []:
            return EMPTY
        if isinstance(payload, list):
            return apply_list(payload, now)
        return payload if isinstance(payload, Rejected) else message(payload, now)

    def apply_list(elements: list[object], now: float) -> Rejected | None:
        reasons = [rejected.reason for element in elements if (rejected := message(element, now)) is not None]
        if len(reasons) == len(elements):
            return Rejected(reasons[0])
        for reason in reasons:
            reject_part(reason)
        return None

    return apply
