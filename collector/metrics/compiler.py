"""Compilation of entity tables: one decoder and one writer per object kind. A wrong table is an error at start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.metrics.decoder import Decoder
from collector.metrics.model import LABEL_NAME, METRIC_NAME, FamilyType, Info
from collector.metrics.nested_rows import RowFactory
from collector.metrics.shape import ShapeBuilder, TableError
from collector.metrics.texts import TextFields
from collector.metrics.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.metrics.model import AnyFamily, Entity
    from collector.metrics.row_index import ObjectRows, RowIndex, RowSpec
    from collector.metrics.shape import Collection, RowShape
    from collector.metrics.store import Store


class ObjectKind:
    """One kind of JSON object (the statistics of an AP, a site), compiled.

    Args:
        name: name of the object in the metric reference: `ap`.
        store: holds the tables.
        row_index: holds the rows of the objects.
        roots: the entities whose rows describe the object itself; those that never expire first.
        nested: the entities inside it, parents before children.
        extras: fields of the object that the caller reads itself; `attribute` returns their struct attribute.
        skip_unchanged: fields (objects or maps) that are always sent complete and rarely change, such as configuration
            and neighbours. They are written only when their text differs from the last one. Affects speed only.
    """

    def __init__(
        self,
        name: str,
        store: Store,
        row_index: RowIndex,
        roots: Sequence[Entity],
        nested: Sequence[Entity] = (),
        *,
        extras: Sequence[str] = (),
        skip_unchanged: Sequence[str] = (),
    ) -> None:
        for entity in (*roots, *nested):
            check_entity(entity)
        self.name = name
        self.row_index = row_index
        self.entities = (*roots, *nested)
        builder = ShapeBuilder(name, roots, nested, extras)
        inside = collections_in(builder.root, skip_unchanged)
        self.decoder = Decoder(builder.root, skip_unchanged)
        self.decode = self.decoder.decode
        self.attribute = self.decoder.attribute
        text_fields = text_fields_of(store, builder)
        factory = RowFactory(store, row_index, builder.shapes, text_fields, self.decoder.reject, skip_unchanged=inside)
        self.spec: RowSpec = factory.row_spec(builder.root)
        self.spec.skip_unchanged = len(skip_unchanged)
        decoders = {key: self.decoder.field_decoder(key) for key in skip_unchanged}
        self.writer = Writer(builder.root, self.spec, text_fields, factory, decoders)
        self.write = self.writer.write

    def object_rows(self, identity: str, labels: tuple[str, ...]) -> ObjectRows:
        """Return the rows of an object of this kind, created at its first use."""
        return self.row_index.object_rows(identity, labels, self.spec)


def collections_in(shape: RowShape, skip_unchanged: Sequence[str]) -> frozenset[int]:
    """Return the ids of all collections inside these fields.

    Raises:
        TableError: a field is neither an object nor a map, or another column reads a part of it.
    """
    inside: list[Collection] = []
    for key in skip_unchanged:
        own = [collection for collection in shape.node.collections if collection.key == key]
        node = shape.node.objects.get(key)
        if node is None and not own:
            raise TableError(f"{shape.node.path}: skip_unchanged: {key} is neither an object nor a map that is read")
        if any(path[0] == key for separate in shape.separate for path in separate.paths):
            raise TableError(f"{shape.node.path}: skip_unchanged: {key} contains a field with several names")
        inside += own + [collection for inner in (node.nodes() if node else ()) for collection in inner.collections]
    return frozenset(map(id, inside))


def text_fields_of(store: Store, builder: ShapeBuilder) -> dict[Entity, TextFields]:
    """Return the string fields of each entity, in all its places."""
    found: dict[Entity, TextFields] = {}
    for shape in builder.shapes.values():
        for entity in shape.entities:
            text_at = {path: slot for (owner, path), slot in shape.text_at.items() if owner is entity}
            found[entity] = TextFields(store.table(entity), text_at)
    return found


def check_entity(entity: Entity) -> None:
    """Check the names of families and labels, and the suffixes of types.

    Raises:
        TableError: names the wrong family or label.
    """
    names = entity.label_names
    for family in entity.families:
        check_family(entity, family)
        for label in (*names, *(family.fields if isinstance(family, Info) else ())):
            if not LABEL_NAME.match(label):
                raise TableError(f"{entity.name}: {family.name} has the label {label!r}, which is not a label name")
        if isinstance(family, Info) and set(family.fields) & set(names):
            raise TableError(f"{entity.name}: {family.name} has a label that its row has")
    if len(set(names)) != len(names):
        raise TableError(f"{entity.name}: two labels have the same name: {names}")


def check_family(entity: Entity, family: AnyFamily) -> None:
    """Check the name, the type and the HELP text of one family."""
    if not METRIC_NAME.match(family.name):
        raise TableError(f"{entity.name}: {family.name!r} is not a metric name")
    if (family.type is FamilyType.COUNTER) != family.name.endswith("_total"):
        raise TableError(f"{entity.name}: {family.name}: names of counters, and only these, end in _total")
    if (family.type is FamilyType.INFO) != family.name.endswith("_info"):
        raise TableError(f"{entity.name}: {family.name}: names of info families, and only these, end in _info")
    if not family.help.endswith("."):
        raise TableError(f"{entity.name}: {family.name}: HELP must end in a full stop")
