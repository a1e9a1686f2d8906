"""Decoding of payloads into structs: in C where the types are as expected, field by field where they are not.

Both paths make the same structs, so the code that follows does not depend on the path. An absent field holds its
default: `NAN` for numbers, `UNSET` for all other kinds. An explicit null is None.

A root field that is declared `skip_unchanged` (configuration, neighbours: it rarely changes) is not decoded but kept as
JSON text, so that the writer can skip it while the text is unchanged; `field_decoder` decodes it when it has changed.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import UNSET

from collector.errors import Rejected
from collector.metrics.model import ValueKind
from collector.metrics.shape import LIST, MAP, OBJECT
from collector.metrics.store import NAN
from collector.metrics.values import CONVERT
from collector.tolerant_json import TOO_DEEP, loads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from collector.metrics.shape import Collection, JsonNode, RowShape

_LARGEST = sys.float_info.max
_FINITE = Annotated[float, msgspec.Meta(ge=-_LARGEST, le=_LARGEST)]
# for JSON text, which has no NaN and no infinity
_IN_TEXT: Mapping[ValueKind, Any] = {
    ValueKind.NUMBER: float | None,
    ValueKind.COUNT: Annotated[float, msgspec.Meta(ge=0)] | None,
    ValueKind.TIME: float | None,
    ValueKind.FLAG: bool | None,
    ValueKind.TEXT: str | int | None,
}
# for objects that were parsed elsewhere and may contain both, which the bounds reject
_IN_OBJECTS: Mapping[ValueKind, Any] = {
    **_IN_TEXT,
    ValueKind.NUMBER: _FINITE | None,
    ValueKind.COUNT: Annotated[float, msgspec.Meta(ge=0, le=_LARGEST)] | None,
    ValueKind.TIME: _FINITE | None,
}

NOT_AN_OBJECT = Rejected("not_an_object")
WRONG_CONTAINER = "wrong_container"


class Structs:
    """The struct types of nodes, made at start; `types` are the types of the value kinds."""

    def __init__(self, types: Mapping[ValueKind, Any]) -> None:
        self._types = types
        self._made: dict[JsonNode, type[msgspec.Struct]] = {}

    def of(self, node: JsonNode) -> type[msgspec.Struct]:
        """Return the struct type of a node."""
        if node not in self._made:
            self._made[node] = self.make(node, {})
        return self._made[node]

    def make(self, node: JsonNode, fixed: Mapping[str, tuple[Any, Any]]) -> type[msgspec.Struct]:
        """Make the struct type of one node; `fixed` has the type and the default of some fields."""
        collections = {c.key: c for c in node.collections}
        order = node.order()
        fields = [
            (f"f{index}", *(fixed.get(key) or self.field(node, key, collections.get(key))))
            for index, key in enumerate(order)
        ]
        names = {f"f{index}": key for index, key in enumerate(order)}
        name = "".join(part.title() for part in node.path.replace("[]", "").split("."))
        return msgspec.defstruct(name, fields, rename=names, gc=False)

    def field(self, node: JsonNode, key: str, collection: Collection | None) -> tuple[Any, Any]:
        """Return the type and the default of one field."""
        if collection is not None:
            return self._container(collection), UNSET
        if key in node.objects:
            return self.of(node.objects[key]) | None, UNSET
        kind = node.leaves[key]
        return self._types[kind], UNSET if kind is ValueKind.TEXT else NAN

    def _container(self, collection: Collection) -> Any:
        element: Any = self._types[collection.scalar] if collection.scalar else self.of(collection.element)
        element = element | None
        if collection.form == MAP:
            return dict[str, element] | None
        if collection.form == LIST:  # some senders omit a list of one
            return list[element] | None if collection.scalar else list[element] | element
        return element


class Decoder:
    """Decodes the payloads of one object kind. `rejected` counts the rejected fields of valid payloads, by reason."""

    def __init__(self, shape: RowShape, skip_unchanged: Sequence[str] = ()) -> None:
        self.rejected: dict[str, int] = {}
        self._structs, self._in_text = Structs(_IN_OBJECTS), Structs(_IN_TEXT)
        self._node = shape.node
        self._collections = {collection.key: collection for collection in shape.node.collections}
        self.struct = self._structs.of(shape.node)
        with_raw = self._in_text.make(shape.node, dict.fromkeys(skip_unchanged, (msgspec.Raw, UNSET)))
        self._from_text = msgspec.json.Decoder(with_raw).decode

    def attribute(self, key: str) -> str:
        """Return the struct attribute that holds a root field."""
        return f"f{self._node.order().index(key)}"

    def decode(self, payload: object) -> msgspec.Struct | Rejected:
        """Decode JSON text, or convert an object that is already parsed, to the root struct."""
        try:
            if type(payload) is str or type(payload) is bytes:
                return self._from_text(payload)
            return msgspec.convert(payload, self.struct)
        except (msgspec.DecodeError, UnicodeError):
            return self._tolerant(payload)
        except RecursionError:
            return TOO_DEEP

    def retract(self, payload: object) -> None:
        """Undo what `decode` counted for this payload, because it is of another kind or will be decoded again."""
        if self.rejected:
            before, self.rejected = self.rejected, {}
            self.decode(payload)
            left = {reason: count - self.rejected.get(reason, 0) for reason, count in before.items()}
            self.rejected = {reason: count for reason, count in left.items() if count}

    def field_decoder(self, key: str) -> Callable[[msgspec.Raw], object]:
        """Return the function that decodes the text of a `skip_unchanged` field; its result is UNSET if invalid."""
        collection = self._collections.get(key)
        decode = msgspec.json.Decoder(self._in_text.field(self._node, key, collection)[0]).decode

        def read(raw: msgspec.Raw) -> object:
            try:
                return decode(raw)
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                value = loads(bytes(raw))
            if isinstance(value, Rejected):
                self.reject(value.reason)
                return UNSET
            return self._value(self._node, key, value, collection)

        return read

    def _tolerant(self, payload: object) -> msgspec.Struct | Rejected:
        if isinstance(payload, str | bytes):
            payload = loads(payload)
        if isinstance(payload, Rejected):
            return payload
        if not isinstance(payload, dict):
            return NOT_AN_OBJECT
        return self._object(self._node, payload)

    # the tolerant path

    def reject(self, reason: str) -> None:
        """Count a field that is left out of a payload that is applied otherwise."""
        self.rejected[reason] = self.rejected.get(reason, 0) + 1

    def _object(self, node: JsonNode, value: dict[str, object]) -> msgspec.Struct:
        collections = {c.key: c for c in node.collections}
        fields: dict[str, object] = {}
        for index, key in enumerate(node.order()):
            if key not in value:
                continue
            kept = self._value(node, key, value[key], collections.get(key))
            if kept is not UNSET:
                fields[f"f{index}"] = kept
        return self._structs.of(node)(**fields)

    def _value(self, node: JsonNode, key: str, value: object, collection: Collection | None) -> object:
        if collection is not None:
            return self._elements(collection, value)
        if key in node.objects:
            return self._inner(node.objects[key], value)
        return self._scalar(node.leaves[key], value)

    def _scalar(self, kind: ValueKind, value: object) -> object:
        converted = CONVERT[kind](value)
        if isinstance(converted, Rejected):
            self.reject(converted.reason)
            return UNSET
        return converted

    def _inner(self, node: JsonNode, value: object) -> object:
        if value is None:
            return None
        if not isinstance(value, dict):
            self.reject(WRONG_CONTAINER)
            return UNSET
        return self._object(node, value)

    def _elements(self, collection: Collection, value: object) -> object:
        if value is None or collection.form == OBJECT:
            return self._inner(collection.element, value)
        if collection.form == LIST and not collection.scalar and isinstance(value, dict):
            return self._object(collection.element, value)  # some senders omit a list of one
        expected = dict if collection.form == MAP else list
        if not isinstance(value, expected):
            self.reject(WRONG_CONTAINER)
            return UNSET
        if isinstance(value, dict):
            kept = {key: self._element(collection, element) for key, element in value.items()}
            return {key: element for key, element in kept.items() if element is not UNSET}
        # an invalid element stays in the list, empty: the index of the others may be their key
        empty = NAN if collection.scalar else self._structs.of(collection.element)()
        kept_list = [self._element(collection, element) for element in value]
        return [empty if element is UNSET else element for element in kept_list]

    def _element(self, collection: Collection, value: object) -> object:
        if collection.scalar:
            return self._scalar(collection.scalar, value)
        return self._inner(collection.element, value)
