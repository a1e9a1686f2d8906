"""The shape of an object's JSON, as far as its tables read it: a tree of nodes, built from entities.

A node is one JSON object. It lists the fields that are read (leaves), the objects inside it, and the maps and lists
whose elements are rows. `decoder.py` makes msgspec structs from the tree, `writer.py` the code that writes decoded
values into the store; both use the order of a node's fields that `JsonNode.order()` returns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collector.metrics.model import EPOCH, Entity, Family, ValueKind, layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from collector.metrics.model import At

OBJECT, MAP, LIST = "object", "map", "list"


class TableError(ValueError):
    """A catalogue table contradicts itself. Raised at start only."""


@dataclass(slots=True, eq=False)
class Collection:
    """A field of a node whose elements are rows: a map, a list, or one object with a row of its own."""

    key: str
    form: str  # MAP, LIST or OBJECT
    entity: Entity
    at: At
    position: int  # among the collections of the row that contains it
    element: JsonNode
    scalar: ValueKind | None = None  # elements are values of this kind, not objects


@dataclass(slots=True, eq=False)
class JsonNode:
    """One JSON object, and the entities that read its fields."""

    path: str
    numbers: dict[Entity, list[tuple[str, int]]] = field(default_factory=dict)  # (JSON key, column)
    texts: dict[Entity, list[str]] = field(default_factory=dict)
    groups: dict[Entity, int] = field(default_factory=dict)  # index of this node's text tuple in the row's texts
    leaves: dict[str, ValueKind] = field(default_factory=dict)
    objects: dict[str, JsonNode] = field(default_factory=dict)
    collections: list[Collection] = field(default_factory=list)

    def leaf(self, key: str, kind: ValueKind) -> None:
        """Declare that this field is read as this kind.

        Raises:
            TableError: it is also read as another kind, or as a container.
        """
        known = self.leaves.setdefault(key, kind)
        if known is not kind or key in self.objects or any(c.key == key for c in self.collections):
            raise TableError(f"{self.path}.{key} is read both as {known} and as {kind} or a container")

    def order(self) -> list[str]:
        """Return the JSON keys of this node in struct order: packed numbers, other leaves, objects, collections."""
        packed = [key for pairs in self.numbers.values() for key, _ in pairs]
        rest = [key for key in self.leaves if key not in set(packed)]
        inner = list(self.objects) + [c.key for c in self.collections]
        return packed + rest + list(dict.fromkeys(inner))

    def runs(self, entity: Entity) -> list[tuple[int, int, int]]:
        """Return the entity's own numbers in this node as runs of (index among its fields, column, length)."""
        order = self.order()
        return runs([(order.index(key), column) for key, column in self.numbers.get(entity, [])])

    def nodes(self) -> Iterable[JsonNode]:
        """Yield this node and the objects inside it, without those inside collections."""
        yield self
        for inner in self.objects.values():
            yield from inner.nodes()


@dataclass(slots=True, eq=False)
class SeparateColumn:
    """A column that is written separately: its field has several names, or another column also reads the field."""

    entity: Entity
    paths: tuple[tuple[str, ...], ...]  # every name of the field, preferred first
    column: int


@dataclass(slots=True, eq=False)
class RowShape:
    """One JSON object with rows: its node, its separate columns, and the number of collections inside."""

    node: JsonNode
    entities: tuple[Entity, ...]
    separate: list[SeparateColumn] = field(default_factory=list)
    collections: int = 0
    text_at: dict[tuple[Entity, str], tuple[int, int]] = field(default_factory=dict)  # path -> (group, index)


class ShapeBuilder:
    """Builds the tree of one object kind from its entities."""

    def __init__(self, name: str, roots: Sequence[Entity], nested: Sequence[Entity], extras: Sequence[str]) -> None:
        self.name = name
        self.nested = nested
        self.shapes: dict[JsonNode, RowShape] = {}
        self.root = self._row(JsonNode(name), tuple(roots))
        for key in extras:
            self.root.node.leaf(key, ValueKind.TEXT)
        for entity in nested:
            if entity.requires:
                self.root.node.leaf(entity.requires, ValueKind.NUMBER)

    def _row(self, node: JsonNode, entities: tuple[Entity, ...]) -> RowShape:
        shape = self.shapes[node] = RowShape(node, entities)
        for entity in entities:
            self._columns(shape, entity)
            for guard in entity.unless:
                top, name = self._descend(node, guard.field)
                top.leaf(name, top.leaves.get(name, kind_to_compare(guard.is_)))
            for key in entity.keys:
                node.leaf(key, ValueKind.TEXT)
        for entity in self.nested:
            if entity.within in entities:
                for at in entity.places:
                    self._collection(shape, entity, at)
        for inner in node.nodes():
            for entity, keys in inner.texts.items():
                self._assign_text_groups(shape, inner, entity, keys)
        return shape

    @staticmethod
    def _assign_text_groups(shape: RowShape, node: JsonNode, entity: Entity, keys: list[str]) -> None:
        group = node.groups[entity] = sum(entity in other.groups for other in shape.node.nodes())
        prefix = node.path[len(shape.node.path) :].lstrip(".")
        for index, key in enumerate(keys):
            shape.text_at[entity, f"{prefix}.{key}".lstrip(".")] = (group, index)

    def _columns(self, shape: RowShape, entity: Entity) -> None:
        for family, column in layout(entity):
            if isinstance(family, Family):
                self._number(shape, entity, family, column)
            else:
                for path in family.paths:
                    self._text(shape.node, entity, path)
        for label in entity.labels.values() if isinstance(entity.labels, dict) else ():
            if label.field:
                self._text(shape.node, entity, label.field)

    def _number(self, shape: RowShape, entity: Entity, family: Family, column: int) -> None:
        separate = len(family.paths) > 1
        for path in filter(None, family.paths):  # "" is the element itself, see `_collection`
            node, key = self._descend(shape.node, path)
            separate = separate or any(key == k for pairs in node.numbers.values() for k, _ in pairs)
            node.leaf(key, kind_of(family))
            if not separate:
                node.numbers.setdefault(entity, []).append((key, column))
        if separate:
            shape.separate.append(
                SeparateColumn(entity, tuple(tuple(path.split(".")) for path in family.paths), column)
            )

    def _text(self, top: JsonNode, entity: Entity, path: str) -> None:
        node, key = self._descend(top, path)
        node.leaf(key, ValueKind.TEXT)
        keys = node.texts.setdefault(entity, [])
        if key not in keys:
            keys.append(key)

    def _descend(self, top: JsonNode, path: str) -> tuple[JsonNode, str]:
        *parents, key = path.split(".")
        node = top
        for name in parents:
            if name in node.leaves:
                raise TableError(f"{node.path}.{name} is read both as a value and as an object")
            node = node.objects.setdefault(name, JsonNode(f"{node.path}.{name}"))
        return node, key

    def _collection(self, shape: RowShape, entity: Entity, at: At) -> None:
        path, form = at.path, OBJECT
        if path.endswith("[*]"):
            path, form = path[:-3], LIST
        elif path.endswith("}"):
            path, form = path.rpartition(".")[0], MAP
        node, key = self._descend(shape.node, path)
        if key in node.leaves or key in node.objects:
            raise TableError(f"{node.path}.{key} is read both as rows and as something else")
        element = JsonNode(f"{node.path}.{key}{'' if form is OBJECT else '[]'}")
        twin = next((c for c in node.collections if c.key == key), None)
        if twin is not None:
            raise TableError(f"{element.path} holds both {twin.entity.name} and {entity.name}")
        scalar = next((kind_of(f) for f in entity.families if isinstance(f, Family) and f.path == ""), None)
        node.collections.append(Collection(key, form, entity, at, shape.collections, element, scalar))
        shape.collections += 1
        self._row(element, (entity,))


def kind_to_compare(value: object) -> ValueKind:
    """Return the kind as which a field that is compared with `value` is read."""
    if isinstance(value, bool):
        return ValueKind.FLAG
    return ValueKind.TEXT if isinstance(value, str) else ValueKind.NUMBER


def kind_of(family: Family) -> ValueKind:
    """Return the kind as which the family's field is read."""
    return ValueKind.TIME if family.scale is EPOCH else family.kind


def runs(pairs: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Split (index, column) pairs into runs of consecutive indexes and columns: (first index, first column, length)."""
    found: list[tuple[int, int, int]] = []
    for index, column in pairs:
        if found and (index, column) == (found[-1][0] + found[-1][2], found[-1][1] + found[-1][2]):
            found[-1] = (*found[-1][:2], found[-1][2] + 1)
        else:
            found.append((index, column, 1))
    return found
