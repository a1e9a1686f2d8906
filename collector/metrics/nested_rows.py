"""Nested rows: the rows of map entries and list elements. How they are created, keyed and ended."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from collector.metrics.labels import render_pairs
from collector.metrics.row_index import CollectionSpec, ObjectRows, RowSpec, blank_texts, free_child
from collector.metrics.shape import LIST, MAP
from collector.metrics.texts import append_labels, labels_of

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from collector.metrics.model import Entity
    from collector.metrics.row_index import Child, RowIndex
    from collector.metrics.shape import Collection, JsonNode, RowShape
    from collector.metrics.store import Store
    from collector.metrics.texts import TextFields

MAX_CACHED_KEYS: Final = 256  # label texts of keys, of all collections together
MAX_ELEMENTS: Final = 4096  # rows of one collection of one object; a switch stack has several hundred ports


class RowFactory:
    """Creates the rows of the collections of one object kind.

    Args:
        store: holds the tables.
        row_index: holds the rows of the objects.
        shapes: the row shape of each node with rows.
        text_fields: the string fields of each entity.
        reject: counts a rejected element by reason.
        skip_unchanged: ids of the collections inside fields that are skipped while unchanged.
    """

    def __init__(
        self,
        store: Store,
        row_index: RowIndex,
        shapes: dict[JsonNode, RowShape],
        text_fields: dict[Entity, TextFields],
        reject: Callable[[str], None],
        *,
        skip_unchanged: frozenset[int] = frozenset(),
    ) -> None:
        self.store = store
        self.row_index = row_index
        self.shapes = shapes
        self._text_fields = text_fields
        self._reject = reject
        self._skip_unchanged = skip_unchanged
        self._specs: dict[int, CollectionSpec] = {}

    def row_spec(self, shape: RowShape) -> RowSpec:
        """Return the rows that an object of this shape owns."""
        collections = sorted(
            (c for node in shape.node.nodes() for c in node.collections), key=lambda collection: collection.position
        )
        return RowSpec(
            tuple(self.store.table(entity) for entity in shape.entities),
            tuple(self.spec_of(collection) for collection in collections),
            tuple(text_groups(shape, entity) for entity in shape.entities),
        )

    def spec_of(self, collection: Collection) -> CollectionSpec:
        """Return the rows that an element of this collection owns."""
        known = self._specs.get(id(collection))
        if known is None:
            shape = self.shapes[collection.element]
            known = self._specs[id(collection)] = CollectionSpec(
                self.store.table(collection.entity),
                self.row_spec(shape),
                text_groups(shape, collection.entity),
                id(collection) in self._skip_unchanged,
                collection.form not in {LIST, MAP},
            )
        return known

    def maker_of(self, collection: Collection) -> Callable[[int, Any, Any], Child | None]:
        """Return the function that creates the row of a new key: `make(parent_row, children, key)`.

        It returns None if the collection is full. For a collection of at most one element, `children` are those of the
        owner and `key` is the position of the collection among them.
        """
        spec, entity = self.spec_of(collection), collection.entity
        assert entity.within is not None  # noqa: S101 - collections belong to nested entities
        parents = self.store.table(entity.within)
        fields, table = self._text_fields[entity], spec.table

        def make_single(parent: int, children: list[Child | None], position: int) -> Child | None:
            children[position] = child = new_child(parent, "")
            return child

        def make(parent: int, children: dict[str, Child], key: str) -> Child | None:
            if len(children) >= MAX_ELEMENTS:
                self._reject("too_many_elements")
                return None
            children[key] = child = new_child(parent, key)
            return child

        def new_child(parent: int, key: str) -> Child:
            labels, ending = parents.inherited_labels(parent)
            row = table.new_row(labels, append_labels(labels, ending, own_labels(collection, key)))
            if fields.dynamic_labels:
                fields.write_labels(row, key, None)
            blank_texts(table, row, spec.text_groups)
            return ObjectRows(spec.inner, (), [row]) if spec.inner.collections else row

        return make_single if spec.single else make


@lru_cache(maxsize=MAX_CACHED_KEYS)  # the ports and radios of all devices have the same names
def own_labels(collection: Collection, key: str) -> bytes:
    """Return the labels that a row has by its place and key alone."""
    labels = labels_of(collection.entity)
    by_key = {name: label.of(key, None) for name, label in labels.items() if label.field is None}
    return render_pairs({**collection.at.labels, **by_key})


def text_groups(shape: RowShape, entity: Entity) -> tuple[int, ...]:
    """Return the sizes of the row's text tuples, in the order of their group numbers."""
    nodes = [node for node in shape.node.nodes() if entity in node.groups]
    return tuple(len(node.texts[entity]) for node in sorted(nodes, key=lambda node: node.groups[entity]))


def element_keys(elements: Any, at: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    """Yield the elements of a list with their keys.

    The key is the first identifying field of the element that has a value, or the index. Of elements with equal keys
    all but the first have the index appended.

    Args:
        elements: a list of structs, or a single struct, because some senders omit a list of one.
        at: positions of the identifying fields, preferred first.
    """
    if type(elements) is not list:
        elements = [elements] if elements != type(elements)() else []
    attributes, used = [f"f{position}" for position in at], set()
    for index, element in enumerate(elements):
        for attribute in attributes:
            own = getattr(element, attribute, None)  # a null element has no fields
            if own is not None and own is not UNSET and own != "":
                key = str(own)
                break
        else:
            key = str(index)
        if key in used:
            key = f"{key}#{index}"
        used.add(key)
        yield key, element


def end_row(spec: CollectionSpec, children: dict[str, Child], key: str) -> None:
    """End the row of this key, if there is one."""
    child = children.pop(key, None)
    if child is not None:
        free_child(spec, child)


def end_only_row(spec: CollectionSpec, children: list[Child | None], position: int) -> None:
    """End the row of a collection of at most one element, if there is one."""
    child = children[position]
    if child is not None:
        children[position] = None
        free_child(spec, child)


def end_missing_rows(spec: CollectionSpec, children: dict[str, Child], present: Container[str]) -> None:
    """End the rows of keys that a complete collection no longer has."""
    for key in [key for key in children if key not in present]:
        end_row(spec, children, key)
