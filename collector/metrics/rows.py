"""How nested rows come into being and go: called when a key is met for the first time, or is gone."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from collector.metrics.labels import render_pairs
from collector.metrics.row_index import CollectionSpec, ObjectRows, RowSpec, blank_texts, free_child
from collector.metrics.shape import LIST, MAP
from collector.metrics.texts import joined, labels_of

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from collector.metrics.model import Entity
    from collector.metrics.row_index import Child, RowIndex
    from collector.metrics.shape import Collection, Node, RowShape
    from collector.metrics.store import Store
    from collector.metrics.texts import TextRoles

KEYS_KEPT = 256  # label texts of keys, of all collections together
MAX_ELEMENTS = 4096  # rows of one collection of one object; a switch stack has some hundred ports


class RowMaker:
    """Knows the tables and the labels of every collection of one object kind."""

    def __init__(
        self,
        store: Store,
        roster: RowIndex,
        shapes: dict[Node, RowShape],
        roles: dict[Entity, TextRoles],
        reject: Callable[[str], None],
        *,
        steady: frozenset[int] = frozenset(),
    ) -> None:
        self.store = store
        self.roster = roster
        self.shapes = shapes
        self._roles = roles
        self._reject = reject
        self._steady = steady  # ids of the collections inside steady fields
        self._specs: dict[int, CollectionSpec] = {}

    def row_spec(self, shape: RowShape) -> RowSpec:
        """What an object of this shape owns."""
        collections = sorted(
            (c for node in shape.node.nodes() for c in node.collections), key=lambda collection: collection.position
        )
        return RowSpec(
            tuple(self.store.table(entity) for entity in shape.entities),
            tuple(self.spec_of(collection) for collection in collections),
            tuple(text_groups(shape, entity) for entity in shape.entities),
        )

    def spec_of(self, collection: Collection) -> CollectionSpec:
        """What an element of this collection owns."""
        known = self._specs.get(id(collection))
        if known is None:
            shape = self.shapes[collection.element]
            known = self._specs[id(collection)] = CollectionSpec(
                self.store.table(collection.entity),
                self.row_spec(shape),
                text_groups(shape, collection.entity),
                id(collection) in self._steady,
                collection.form not in {LIST, MAP},
            )
        return known

    def maker_of(self, collection: Collection) -> Callable[[int, Any, Any], Child | None]:
        """A function that makes the row (or place) of a new key: `make(parent_row, children, key)`.

        For what there can be one of only, `children` are those of the owner and the key is the place among them.
        """
        spec, entity = self.spec_of(collection), collection.entity
        assert entity.within is not None  # noqa: S101 - collections belong to nested entities
        parents = self.store.table(entity.within)
        roles, table = self._roles[entity], spec.table

        def make_one(parent: int, children: list[Child | None], position: int) -> Child | None:
            children[position] = child = made(parent, "")
            return child

        def make(parent: int, children: dict[str, Child], key: str) -> Child | None:
            if len(children) >= MAX_ELEMENTS:
                self._reject("too_many_elements")
                return None
            children[key] = child = made(parent, key)
            return child

        def made(parent: int, key: str) -> Child:
            labels, ending = parents.base(parent)
            row = table.new_row(labels, joined(labels, ending, own_labels(collection, key)))
            if roles.dynamic:
                roles.label(row, key, None)
            blank_texts(table, row, spec.text_groups)
            return ObjectRows(spec.inner, (), [row]) if spec.inner.collections else row

        return make_one if spec.single else make


@lru_cache(maxsize=KEYS_KEPT)  # all devices call their ports and radios alike
def own_labels(collection: Collection, key: str) -> bytes:
    """The labels that a row has by its place and key alone."""
    labels = labels_of(collection.entity)
    by_key = {name: label.of(key, None) for name, label in labels.items() if label.field is None}
    return render_pairs({**collection.at.labels, **by_key})


def text_groups(shape: RowShape, entity: Entity) -> tuple[int, ...]:
    """The sizes of the row's text tuples, in the order of their group numbers."""
    nodes = [node for node in shape.node.nodes() if entity in node.groups]
    return tuple(len(node.texts[entity]) for node in sorted(nodes, key=lambda node: node.groups[entity]))


def element_keys(elements: Any, at: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    """Keys for the elements of a list: the first of their own identifying fields that is there, else the index.

    Two elements that call themselves the same are told apart by their index. The only one may come without a list.
    """
    if type(elements) is not list:
        elements = [elements] if elements != type(elements)() else []
    attributes, used = [f"f{position}" for position in at], set()
    for index, element in enumerate(elements):
        for attribute in attributes:
            own = getattr(element, attribute, None)  # an element that is null has no fields
            if own is not None and own is not UNSET and own != "":
                key = str(own)
                break
        else:
            key = str(index)
        if key in used:
            key = f"{key}#{index}"
        used.add(key)
        yield key, element


def forget(spec: CollectionSpec, children: dict[str, Child], key: str) -> None:
    """End the row of this key, if there is one."""
    child = children.pop(key, None)
    if child is not None:
        free_child(spec, child)


def forget_one(spec: CollectionSpec, children: list[Child | None], position: int) -> None:
    """End the row of what there can be one of only, if there is one."""
    child = children[position]
    if child is not None:
        children[position] = None
        free_child(spec, child)


def forget_missing(spec: CollectionSpec, children: dict[str, Child], present: Container[str]) -> None:
    """End the rows of keys that a collection, told whole, no longer has."""
    for key in [key for key in children if key not in present]:
        forget(spec, children, key)
