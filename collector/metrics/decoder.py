"""From a payload to structs: fast in C where the types fit, field by field where they do not.

Both ways make the same structs, so what follows does not know which way a payload came. A field that nobody sent holds
its default (`NAN` for numbers, `UNSET` for all else): absent says nothing. None is an explicit null: it is
known to be unknown.

A root field that is declared steady (configuration, neighbours: it rarely changes) is not decoded but kept as its
text, so that the writer can pass over it while the text stays the same; `section` reads it when it does not.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import UNSET

from collector.errors import Rejected
from collector.metrics.model import Kind
from collector.metrics.shape import LIST, MAP, OBJECT
from collector.metrics.store import NAN
from collector.metrics.values import CONVERT
from collector.tolerant_json import TOO_DEEP, loads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from collector.metrics.shape import Collection, Node, RowShape

_LARGEST = sys.float_info.max
_FINITE = Annotated[float, msgspec.Meta(ge=-_LARGEST, le=_LARGEST)]
# of JSON text, in which there is no NaN and no infinity
_IN_TEXT: Mapping[Kind, Any] = {
    Kind.NUMBER: float | None,
    Kind.COUNT: Annotated[float, msgspec.Meta(ge=0)] | None,
    Kind.TIME: float | None,
    Kind.FLAG: bool | None,
    Kind.TEXT: str | int | None,
}
# of objects that were parsed elsewhere, and may hold both: a bound keeps them out
_IN_OBJECTS: Mapping[Kind, Any] = {
    **_IN_TEXT,
    Kind.NUMBER: _FINITE | None,
    Kind.COUNT: Annotated[float, msgspec.Meta(ge=0, le=_LARGEST)] | None,
    Kind.TIME: _FINITE | None,
}

NOT_AN_OBJECT = Rejected("not_an_object")
WRONG_CONTAINER = "wrong_container"


class Structs:
    """The structs of nodes, made at start; `types` are those of leaves."""

    def __init__(self, types: Mapping[Kind, Any]) -> None:
        self._types = types
        self._made: dict[Node, type[msgspec.Struct]] = {}

    def of(self, node: Node) -> type[msgspec.Struct]:
        """The struct of a node."""
        if node not in self._made:
            self._made[node] = self.make(node, {})
        return self._made[node]

    def make(self, node: Node, fixed: Mapping[str, tuple[Any, Any]]) -> type[msgspec.Struct]:
        """A struct for the fields of one node; `fixed` gives the type and default of some."""
        collections = {c.key: c for c in node.collections}
        order = node.order()
        fields = [
            (f"f{index}", *(fixed.get(key) or self.field(node, key, collections.get(key))))
            for index, key in enumerate(order)
        ]
        names = {f"f{index}": key for index, key in enumerate(order)}
        name = "".join(part.title() for part in node.path.replace("[]", "").split("."))
        return msgspec.defstruct(name, fields, rename=names, gc=False)

    def field(self, node: Node, key: str, collection: Collection | None) -> tuple[Any, Any]:
        """The type and the default of one field."""
        if collection is not None:
            return self._container(collection), UNSET
        if key in node.objects:
            return self.of(node.objects[key]) | None, UNSET
        kind = node.leaves[key]
        return self._types[kind], UNSET if kind is Kind.TEXT else NAN

    def _container(self, collection: Collection) -> Any:
        element: Any = self._types[collection.scalar] if collection.scalar else self.of(collection.element)
        element = element | None
        if collection.form == MAP:
            return dict[str, element] | None
        if collection.form == LIST:  # some senders say the only one without a list
            return list[element] | None if collection.scalar else list[element] | element
        return element


class Decoder:
    """Decodes one object's payloads; `rejected` counts, by reason, the fields that were left out of valid payloads."""

    def __init__(self, shape: RowShape, steady: Sequence[str] = ()) -> None:
        self.rejected: dict[str, int] = {}
        self._structs, self._in_text = Structs(_IN_OBJECTS), Structs(_IN_TEXT)
        self._node = shape.node
        self._collections = {collection.key: collection for collection in shape.node.collections}
        self.struct = self._structs.of(shape.node)
        with_raw = self._in_text.make(shape.node, dict.fromkeys(steady, (msgspec.Raw, UNSET)))
        self._from_text = msgspec.json.Decoder(with_raw).decode

    def attribute(self, key: str) -> str:
        """The struct attribute that holds a root field."""
        return f"f{self._node.order().index(key)}"

    def decode(self, payload: object) -> msgspec.Struct | Rejected:
        """JSON text or an object already parsed -> the root struct."""
        try:
            if type(payload) is str or type(payload) is bytes:
                return self._from_text(payload)
            return msgspec.convert(payload, self.struct)
        except (msgspec.DecodeError, UnicodeError):
            return self._tolerant(payload)
        except RecursionError:
            return TOO_DEEP

    def retract(self, payload: object) -> None:
        """Take back what `decode` counted of this payload: it is of another kind, or about to be decoded again."""
        if self.rejected:
            before, self.rejected = self.rejected, {}
            self.decode(payload)
            left = {reason: count - self.rejected.get(reason, 0) for reason, count in before.items()}
            self.rejected = {reason: count for reason, count in left.items() if count}

    def section(self, key: str) -> Callable[[msgspec.Raw], object]:
        """How the value of a steady root field is read once its text has changed; UNSET when it cannot be."""
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

    # the tolerant way

    def reject(self, reason: str) -> None:
        """Count a part that was left out of a payload otherwise applied."""
        self.rejected[reason] = self.rejected.get(reason, 0) + 1

    def _object(self, node: Node, value: dict[str, object]) -> msgspec.Struct:
        collections = {c.key: c for c in node.collections}
        fields: dict[str, object] = {}
        for index, key in enumerate(node.order()):
            if key not in value:
                continue
            kept = self._value(node, key, value[key], collections.get(key))
            if kept is not UNSET:
                fields[f"f{index}"] = kept
        return self._structs.of(node)(**fields)

    def _value(self, node: Node, key: str, value: object, collection: Collection | None) -> object:
        if collection is not None:
            return self._elements(collection, value)
        if key in node.objects:
            return self._inner(node.objects[key], value)
        return self._scalar(node.leaves[key], value)

    def _scalar(self, kind: Kind, value: object) -> object:
        converted = CONVERT[kind](value)
        if isinstance(converted, Rejected):
            self.reject(converted.reason)
            return UNSET
        return converted

    def _inner(self, node: Node, value: object) -> object:
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
            return self._object(collection.element, value)  # some senders say the only one without a list
        expected = dict if collection.form == MAP else list
        if not isinstance(value, expected):
            self.reject(WRONG_CONTAINER)
            return UNSET
        if isinstance(value, dict):
            kept = {key: self._element(collection, element) for key, element in value.items()}
            return {key: element for key, element in kept.items() if element is not UNSET}
        # an element that cannot be read keeps its place, empty: the places of the others are their keys
        empty = NAN if collection.scalar else self._structs.of(collection.element)()
        kept_list = [self._element(collection, element) for element in value]
        return [empty if element is UNSET else element for element in kept_list]

    def _element(self, collection: Collection, value: object) -> object:
        if collection.scalar:
            return self._scalar(collection.scalar, value)
        return self._inner(collection.element, value)
