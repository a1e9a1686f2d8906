"""Entity tables -> one decoder and one writer an object kind. A bad table fails here, at start, not at run time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.metrics.decoder import Decoder
from collector.metrics.model import LABEL_NAME, METRIC_NAME, FamilyType, Info
from collector.metrics.rows import RowMaker
from collector.metrics.shape import ShapeBuilder, TableError
from collector.metrics.texts import TextRoles
from collector.metrics.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.metrics.model import AnyFamily, Entity
    from collector.metrics.row_index import ObjectRows, RowIndex, RowSpec
    from collector.metrics.shape import Collection, RowShape
    from collector.metrics.store import Store


class ObjectKind:
    """One sort of JSON object (an AP's statistics, a site), compiled.

    name     of the object, as in the fields reference: `ap`
    roots    the entities whose rows the object itself is; those that live on when the others fall silent come first
    nested   the entities inside it, parents before children
    extras   fields of the object that the caller reads itself (`attribute` gives their struct attribute)
    steady   fields of the object that are told whole and rarely change (configuration, neighbours): objects or maps,
             written only when their text differs from last time; a hint for speed, never for meaning
    """

    def __init__(
        self,
        name: str,
        store: Store,
        roster: RowIndex,
        roots: Sequence[Entity],
        nested: Sequence[Entity] = (),
        *,
        extras: Sequence[str] = (),
        steady: Sequence[str] = (),
    ) -> None:
        for entity in (*roots, *nested):
            check_entity(entity)
        self.name = name
        self.roster = roster
        self.entities = (*roots, *nested)
        builder = ShapeBuilder(name, roots, nested, extras)
        inside = check_steady(builder.root, steady)
        self.decoder = Decoder(builder.root, steady)
        self.decode = self.decoder.decode
        self.attribute = self.decoder.attribute
        roles = roles_of(store, builder)
        maker = RowMaker(store, roster, builder.shapes, roles, self.decoder.reject, steady=inside)
        self.spec: RowSpec = maker.row_spec(builder.root)
        self.spec.steady = len(steady)
        sections = {key: self.decoder.section(key) for key in steady}
        self.writer = Writer(builder.root, self.spec, roles, maker, sections)
        self.write = self.writer.write

    def place(self, identity: str, labels: tuple[str, ...]) -> ObjectRows:
        """The place of this identity as this kind of object."""
        return self.roster.place(identity, labels, self.spec)


def check_steady(shape: RowShape, steady: Sequence[str]) -> frozenset[int]:
    """The ids of all collections inside steady fields; TableError for a field that cannot be steady."""
    inside: list[Collection] = []
    for key in steady:
        own = [collection for collection in shape.node.collections if collection.key == key]
        node = shape.node.objects.get(key)
        if node is None and not own:
            raise TableError(f"{shape.node.path}: the steady field {key} is no object and no map that is read")
        if any(path[0] == key for late in shape.late for path in late.paths):
            raise TableError(f"{shape.node.path}: the steady field {key} holds a field of several names")
        inside += own + [collection for inner in (node.nodes() if node else ()) for collection in inner.collections]
    return frozenset(map(id, inside))


def roles_of(store: Store, builder: ShapeBuilder) -> dict[Entity, TextRoles]:
    """What each entity's strings are good for, from every place where the entity lives."""
    found: dict[Entity, TextRoles] = {}
    for shape in builder.shapes.values():
        for entity in shape.entities:
            text_at = {path: slot for (owner, path), slot in shape.text_at.items() if owner is entity}
            found[entity] = TextRoles(store.table(entity), text_at)
    return found


def check_entity(entity: Entity) -> None:
    """Names by Prometheus' rules, types by their suffixes; TableError names the row that is wrong."""
    names = entity.label_names
    for family in entity.families:
        check_family(entity, family)
        for label in (*names, *(family.fields if isinstance(family, Info) else ())):
            if not LABEL_NAME.match(label):
                raise TableError(f"{entity.name}: {family.name} has the label {label!r}, which is not a label name")
        if isinstance(family, Info) and set(family.fields) & set(names):
            raise TableError(f"{entity.name}: {family.name} repeats a label of its row")
    if len(set(names)) != len(names):
        raise TableError(f"{entity.name}: a label is named twice: {names}")


def check_family(entity: Entity, family: AnyFamily) -> None:
    """One family's name and type."""
    if not METRIC_NAME.match(family.name):
        raise TableError(f"{entity.name}: {family.name!r} is not a metric name")
    if (family.type is FamilyType.COUNTER) != family.name.endswith("_total"):
        raise TableError(f"{entity.name}: {family.name}: counters end in _total, and nothing else does")
    if (family.type is FamilyType.INFO) != family.name.endswith("_info"):
        raise TableError(f"{entity.name}: {family.name}: info families end in _info, and nothing else does")
    if not family.help.endswith("."):
        raise TableError(f"{entity.name}: {family.name}: HELP is a sentence and ends in a full stop")
