"""Our tables as somebody would write them down who sets gauges of prometheus-client from a parsed payload.

A baseline must do the same work, not imitate our way of doing it: the fields of an object are a list, walked with
`get`; each value found is `gauge.labels(...).set(value)`. Labels are positional, the cheaper of the two ways.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client import Gauge

from collector.feeds.router import FeedRouter
from collector.metrics.model import EPOCH, Family, Info, StateSet

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from prometheus_client import CollectorRegistry

    from collector.metrics.model import AnyFamily, At, Entity, Guard

NO_SITE = "00000000-0000-0000-0000-000000000000"  # what a Mist Edge of no site says

Labels = tuple[str, ...]
Order = list[int] | None  # of label values; None: as they come


class Fields:
    """Gauges for every field of our tables, or for those of the families `wanted`."""

    def __init__(self, registry: CollectorRegistry, org_id: str, wanted: Collection[str] | None = None) -> None:
        kinds = {kind.name: kind.entities for kind in FeedRouter().kinds()}
        self._registry = registry
        self._wanted = wanted
        self._names: dict[str, Labels] = {}  # all labels of a family, of whichever table
        for entity in (entity for entities in kinds.values() for entity in entities):
            for family in entity.families:
                known = self._names.get(family.name, ())
                self._names[family.name] = tuple(dict.fromkeys((*known, *given_labels(entity, family))))
        self._gauges: dict[str, Gauge] = {}
        self._org_id = org_id
        self._objects = {name: self._object(entities) for name, entities in kinds.items()}

    def apply(self, channel: str, payload: dict[str, Any]) -> None:
        """Set what one message says."""
        scope = channel.split("/")
        kind = "mxedge" if scope[-1] == "mxedges" else payload.get("type") or "ap"
        known = {
            "org_id": self._org_id,
            "site_id": scope[2] if scope[1] == "sites" else payload.get("site_id", "").replace(NO_SITE, ""),
            "mac": payload.get("mac", ""),
            "mxedge_id": payload.get("id") or "",
            "device_type": kind,
        }
        for part in self._objects.get(kind, ()):
            part.set(payload, payload, tuple([known.get(name, "") for name in part.label_names]))

    def _object(self, entities: tuple[Entity, ...]) -> list[Part]:
        return [Part(entity, entities, self) for entity in entities if entity.within is None]

    def gauge(self, entity: Entity, family: AnyFamily) -> tuple[Gauge, Order] | None:
        """The gauge of this family, and the order of its labels; None when it is not wanted."""
        if self._wanted is not None and family.name not in self._wanted:
            return None
        names = self._names[family.name]
        if family.name not in self._gauges:
            self._gauges[family.name] = Gauge(family.name, family.help, names, registry=self._registry)
        given = given_labels(entity, family)
        order = None if given == names else [given.index(name) if name in given else len(given) for name in names]
        return self._gauges[family.name], order


def given_labels(entity: Entity, family: AnyFamily) -> Labels:
    """The labels of a family in one table: those of the row, then its own."""
    if isinstance(family, Info):
        return (*entity.label_names, *family.fields)
    if isinstance(family, StateSet):
        return (*entity.label_names, family.label)
    return (*entity.label_names, *getattr(family, "labels", ()))


def arranged(values: Labels, order: Order) -> Labels | list[str]:
    """Label values as the gauge wants them; a label that this table does not have is empty."""
    return values if order is None else [values[i] if i < len(values) else "" for i in order]


class Part:
    """The gauges of one object or element, and the parts inside it."""

    def __init__(self, entity: Entity, entities: tuple[Entity, ...], fields: Fields) -> None:
        self.entity = entity
        self.label_names = entity.label_names
        self.numbers: list[tuple[list[str], Any, Any, tuple[Any, ...]]] = []
        self.states: list[tuple[list[str], StateSet, Gauge, Order]] = []
        self.infos: list[tuple[list[list[list[str]]], Gauge, Order]] = []
        for family in entity.families:
            made = fields.gauge(entity, family)
            if made is not None:
                self._add(family, *made)
        self.scalar = any(not path for path, *_ in self.numbers)
        self.inner = [
            (at.path.split("."), constants_of(inner, at), Part(inner, entities, fields))
            for inner in entities
            if inner.within is entity
            for at in inner.places
        ]

    def _add(self, family: AnyFamily, gauge: Gauge, order: Order) -> None:
        if isinstance(family, Info):
            paths = [
                [p.split(".") for p in ((path,) if isinstance(path, str) else path)] for path in family.fields.values()
            ]
            self.infos.append((paths, gauge, order))
        elif isinstance(family, StateSet):
            self.states.append((family.path.split("."), family, gauge, order))
        elif isinstance(family, Family) and family.paths:
            constants = tuple(family.labels.values())
            for path in reversed(family.paths):
                self.numbers.append((path.split(".") if path else [], gauge, family.scale, (constants, order)))

    def set(self, root: Any, found: Any, labels: Labels) -> None:
        """Set the gauges from one object."""
        self._set_numbers(found, labels)
        self._set_words(found, labels)
        for place, constants, part in self.inner:
            part.set_all(root, found, labels + constants, place)

    def _set_numbers(self, found: Any, labels: Labels) -> None:
        for path, gauge, scale, (constants, order) in self.numbers:
            value = found if not path else found.get(path[0])
            for name in path[1:]:
                value = value.get(name) if isinstance(value, dict) else None
            if value is None or isinstance(value, dict | list):
                continue
            try:
                number = float(value)
            except ValueError:
                continue
            if scale is EPOCH:
                if not number:
                    continue
                number = number if number < 1e11 else number / 1000
            elif scale.times != 1.0 or scale.per != 1.0:
                number = number * scale.times / scale.per
            values = (*labels, *constants)
            gauge.labels(*(values if order is None else arranged(values, order))).set(number)

    def _set_words(self, found: Any, labels: Labels) -> None:
        for path, family, gauge, order in self.states:
            text = dig(found, path)
            if text:
                state = family.fold(str(text))
                for name in family.columns:
                    present = name == state or (name == "other" and state not in family.states)
                    gauge.labels(*arranged((*labels, name), order)).set(present)
        for paths, gauge, order in self.infos:
            texts = [next((str(t) for p in some if (t := dig(found, p)) not in (None, "")), "") for some in paths]
            if any(texts):
                gauge.labels(*arranged((*labels, *texts), order)).set(1)

    def set_all(self, root: Any, found: Any, labels: Labels, place: list[str]) -> None:
        """Set the gauges of every element at `place`."""
        if self.entity.requires and root.get(self.entity.requires) is None:
            return
        for key, element in elements(found, place, self.entity.key):
            if (
                element is None
                or isinstance(element, dict) is self.scalar
                or any(refuses(element, guard) for guard in self.entity.unless)
            ):
                continue
            own = [
                label.of(key, str(text) if label.field and (text := dig(element, label.field.split("."))) else None)
                for label in (self.entity.labels.values() if isinstance(self.entity.labels, dict) else ())
            ]
            self.set(root, element, (*labels, *own))


def constants_of(entity: Entity, at: At) -> Labels:
    """The values of the labels that tell the entity's places apart, for one of them."""
    names = dict.fromkeys(name for place in entity.places for name in place.labels)
    return tuple(at.labels.get(name, "") for name in names)


def elements(found: Any, place: list[str], key: Any) -> Iterator[tuple[str, Any]]:
    """The elements at a place: of a map, of a list, or one."""
    *parents, last = place
    if last.startswith("{"):
        yield from (dig(found, parents) or {}).items()
    elif last.endswith("[*]"):
        names = (key,) if isinstance(key, str) else key or ()
        for index, element in enumerate(dig(found, [*parents, last[:-3]]) or ()):
            own = next((str(element[n]) for n in names if isinstance(element, dict) and element.get(n)), str(index))
            yield own, element
    else:
        yield "", dig(found, place)


def dig(found: Any, path: list[str]) -> Any:
    """The value at a path, None where it ends early."""
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def refuses(element: Any, guard: Guard) -> bool:
    """Whether the element says that it is not measured."""
    value = dig(element, guard.field.split("."))
    return value is not None and value == guard.is_
