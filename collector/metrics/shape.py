"""The shape of an object's JSON as far as its tables read it: a tree of nodes, built from entities.

A node is one JSON object. It lists the fields that somebody reads (leaves), the objects inside it, and the maps and
lists whose elements are rows of their own. `decoder.py` makes msgspec structs from the tree, `writer.py` the code that
writes decoded values into the store; both see the fields of a node in one order, `Node.order()`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collector.metrics.model import EPOCH, Entity, Family, Kind, layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from collector.metrics.model import At

OBJECT, MAP, LIST = "object", "map", "list"


class TableError(ValueError):
    """A catalogue table contradicts itself. Raised at start, never while data flows."""


@dataclass(slots=True, eq=False)
class Collection:
    """A place inside a node whose elements are rows: a map, a list, or one object with a row of its own."""

    key: str
    form: str  # MAP, LIST, OBJECT
    entity: Entity
    at: At
    position: int  # among the collections of the row it lives within
    element: Node
    scalar: Kind | None = None  # elements are bare values of this kind, not objects


@dataclass(slots=True, eq=False)
class Node:
    """One JSON object, and who reads what in it."""

    path: str
    numbers: dict[Entity, list[tuple[str, int]]] = field(default_factory=dict)  # (JSON key, column)
    texts: dict[Entity, list[str]] = field(default_factory=dict)
    groups: dict[Entity, int] = field(default_factory=dict)  # index of this node's text tuple in the row's texts
    leaves: dict[str, Kind] = field(default_factory=dict)
    objects: dict[str, Node] = field(default_factory=dict)
    collections: list[Collection] = field(default_factory=list)

    def leaf(self, key: str, kind: Kind) -> None:
        """Somebody reads this field as this kind."""
        known = self.leaves.setdefault(key, kind)
        if known is not kind or key in self.objects or any(c.key == key for c in self.collections):
            raise TableError(f"{self.path}.{key} is read both as {known} and as {kind} or a container")

    def order(self) -> list[str]:
        """The JSON keys of this node in struct order: packed numbers, other leaves, objects, collections."""
        packed = [key for pairs in self.numbers.values() for key, _ in pairs]
        rest = [key for key in self.leaves if key not in set(packed)]
        inner = list(self.objects) + [c.key for c in self.collections]
        return packed + rest + list(dict.fromkeys(inner))

    def runs(self, entity: Entity) -> list[tuple[int, int, int]]:
        """The entity's own numbers in this node: (index among its fields, column, length), see `runs`."""
        order = self.order()
        return runs([(order.index(key), column) for key, column in self.numbers.get(entity, [])])

    def nodes(self) -> Iterable[Node]:
        """This node and the objects inside it, not the rows inside it."""
        yield self
        for inner in self.objects.values():
            yield from inner.nodes()


@dataclass(slots=True, eq=False)
class Late:
    """A column that is written by itself: its field has several names, or another column reads the field, too."""

    entity: Entity
    paths: tuple[tuple[str, ...], ...]  # every name of the field, preferred first
    column: int


@dataclass(slots=True, eq=False)
class RowShape:
    """What one JSON object with rows reads: its node, the late columns, the number of collections inside."""

    node: Node
    entities: tuple[Entity, ...]
    late: list[Late] = field(default_factory=list)
    collections: int = 0
    text_at: dict[tuple[Entity, str], tuple[int, int]] = field(default_factory=dict)  # path -> (group, index)


class ShapeBuilder:
    """Builds the tree of one object from its entities."""

    def __init__(self, name: str, roots: Sequence[Entity], nested: Sequence[Entity], extras: Sequence[str]) -> None:
        self.name = name
        self.nested = nested
        self.shapes: dict[Node, RowShape] = {}
        self.root = self._row(Node(name), tuple(roots))
        for key in extras:
            self.root.node.leaf(key, Kind.TEXT)
        for entity in nested:
            if entity.requires:
                self.root.node.leaf(entity.requires, Kind.NUMBER)

    def _row(self, node: Node, entities: tuple[Entity, ...]) -> RowShape:
        shape = self.shapes[node] = RowShape(node, entities)
        for entity in entities:
            self._columns(shape, entity)
            for guard in entity.unless:
                top, name = self._descend(node, guard.field)
                top.leaf(name, top.leaves.get(name, kind_to_compare(guard.is_)))
            for key in entity.keys:
                node.leaf(key, Kind.TEXT)
        for entity in self.nested:
            if entity.within in entities:
                for at in entity.places:
                    self._collection(shape, entity, at)
        for inner in node.nodes():
            for entity, keys in inner.texts.items():
                self._number_texts(shape, inner, entity, keys)
        return shape

    @staticmethod
    def _number_texts(shape: RowShape, node: Node, entity: Entity, keys: list[str]) -> None:
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
        late = len(family.paths) > 1
        for path in filter(None, family.paths):  # "" is the element itself, see `_collection`
            node, key = self._descend(shape.node, path)
            late = late or any(key == k for pairs in node.numbers.values() for k, _ in pairs)
            node.leaf(key, kind_of(family))
            if not late:
                node.numbers.setdefault(entity, []).append((key, column))
        if late:
            shape.late.append(Late(entity, tuple(tuple(path.split(".")) for path in family.paths), column))

    def _text(self, top: Node, entity: Entity, path: str) -> None:
        node, key = self._descend(top, path)
        node.leaf(key, Kind.TEXT)
        keys = node.texts.setdefault(entity, [])
        if key not in keys:
            keys.append(key)

    def _descend(self, top: Node, path: str) -> tuple[Node, str]:
        *parents, key = path.split(".")
        node = top
        for name in parents:
            if name in node.leaves:
                raise TableError(f"{node.path}.{name} is read both as a value and as an object")
            node = node.objects.setdefault(name, Node(f"{node.path}.{name}"))
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
        element = Node(f"{node.path}.{key}{'' if form is OBJECT else '[]'}")
        twin = next((c for c in node.collections if c.key == key), None)
        if twin is not None:
            raise TableError(f"{element.path} is the place of both {twin.entity.name} and {entity.name}")
        scalar = next((kind_of(f) for f in entity.families if isinstance(f, Family) and f.path == ""), None)
        node.collections.append(Collection(key, form, entity, at, shape.collections, element, scalar))
        shape.collections += 1
        self._row(element, (entity,))


def kind_to_compare(value: object) -> Kind:
    """How a field is read that is compared with `value`."""
    if isinstance(value, bool):
        return Kind.FLAG
    return Kind.TEXT if isinstance(value, str) else Kind.NUMBER


def kind_of(family: Family) -> Kind:
    """Which JSON values are valid for the family's field."""
    return Kind.TIME if family.scale is EPOCH else family.kind


def runs(pairs: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Split (tuple index, column) pairs into runs that are contiguous on both sides: (index, column, length)."""
    found: list[tuple[int, int, int]] = []
    for index, column in pairs:
        if found and (index, column) == (found[-1][0] + found[-1][2], found[-1][1] + found[-1][2]):
            found[-1] = (*found[-1][:2], found[-1][2] + 1)
        else:
            found.append((index, column, 1))
    return found
