"""Payloads of any object kind, made from its tables: valid, partial, ill-typed, null; Hypothesis strategies.

Keys and strings come from small sets, so that messages meet again on the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from collector.metrics.model import EPOCH, Family, Histogram, Info, StateSet, ValueKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from collector.metrics.model import Entity

KEYS = ("eth0", "ge-0/0/1", 'k"\\', "a b", "0", "é")
WORDS = ("", "a", "B", 'q"\\\n', "5", "24", "0")
NUMBERS = (0, 1, -1, 7, 57, 100, 2**31, 2**53, -90, 0.5, 33.3, -0.092, 1e-7, 1.5e300, -(2**40))
TIMES = (0, 1_774_576_960, 1_774_576_960.5, 1_774_576_960_123)
COUNTS = tuple(value for value in NUMBERS if value >= 0)
FLAGS = (True, False)
CONVERTIBLE: dict[ValueKind, tuple[Any, ...]] = {
    ValueKind.NUMBER: ("8", "-1.5", "", "1e3"),
    ValueKind.COUNT: ("8", "1.5", "", "1e3"),
    ValueKind.TIME: ("1774576960", "2026-03-27T02:02:40Z", "2026-03-27T02:02:40.5+02:00", "0001-01-01T00:00:00Z", ""),
    ValueKind.FLAG: (1, 0, 1.0, 0.0, "true", "False", "1", "0", ""),
    ValueKind.TEXT: (5, 0, -3, True, False, 1.5, 2.0, 1e20, 123456789.0),
}
ILL: dict[ValueKind, tuple[Any, ...]] = {
    ValueKind.NUMBER: (True, "x", "nan", [], {}, [1], {"a": 1}, float("nan"), float("inf"), 10**400),
    ValueKind.COUNT: (True, "x", "nan", [], {}, float("nan"), float("inf"), 10**400, -1, "-8", -0.5),
    ValueKind.TIME: (False, "soon", "2026-13-45", [], {}, float("-inf")),
    ValueKind.FLAG: (2, "yes", [], {}, -1, 0.5),
    ValueKind.TEXT: ([], {}, ["a"], {"a": "b"}),
}
NO_CONTAINER = (5, "x", True, [], [1], {}, {"a": 5})
STRINGS_OF_A_ROW = 2  # messages mostly speak of one or two elements


@dataclass
class Tree:
    """What is read of one JSON object."""

    leaves: dict[str, ValueKind] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)  # strings that mean something in a field
    objects: dict[str, Tree] = field(default_factory=dict)
    maps: dict[str, Tree | ValueKind] = field(default_factory=dict)
    lists: dict[str, Tree | ValueKind] = field(default_factory=dict)

    @property
    def keys(self) -> list[str]:
        """Every key that somebody reads."""
        return [*self.leaves, *self.objects, *self.maps, *self.lists]

    def down(self, path: str) -> tuple[Tree, str]:
        """The object that holds the last key of a path, and that key."""
        *parents, key = path.split(".")
        tree = self
        for name in parents:
            tree = tree.objects.setdefault(name, Tree())
        return tree, key

    def leaf(self, path: str, kind: ValueKind, words: Iterable[str] = ()) -> None:
        """Somebody reads a field."""
        tree, key = self.down(path)
        tree.leaves.setdefault(key, kind)
        tree.words.setdefault(key, []).extend(words)


def tree_of(entities: Iterable[Entity]) -> Tree:
    """What an object kind reads, from its tables."""
    entities = tuple(entities)
    root = Tree()
    places = {entity: [root] for entity in entities if entity.within is None}
    for entity in entities:
        for parent in places.get(entity.within, ()) if entity.within else ():
            places.setdefault(entity, []).extend(element_of(parent, entity, at.path) for at in entity.places)
        for tree in places[entity]:
            if isinstance(tree, Tree):
                enter(tree, entity)
        if entity.requires:
            root.leaf(entity.requires, ValueKind.NUMBER)
    return root


def element_of(parent: Tree, entity: Entity, path: str) -> Tree | ValueKind:
    """Enter a place of an entity; what one element of it is."""
    bare = next((kind_of(f) for f in entity.families if isinstance(f, Family) and f.path == ""), None)
    element: Tree | ValueKind = bare or Tree()
    if path.endswith("[*]"):
        tree, key = parent.down(path.removesuffix("[*]"))
        return tree.lists.setdefault(key, element)
    if path.endswith("}"):
        tree, key = parent.down(path.rpartition(".")[0])
        return tree.maps.setdefault(key, element)
    tree, key = parent.down(path)
    return tree.objects.setdefault(key, Tree())


def enter(tree: Tree, entity: Entity) -> None:
    """Enter the fields of one entity."""
    for family in entity.families:
        if isinstance(family, StateSet):
            tree.leaf(family.path, ValueKind.TEXT, [*family.states, family.states[0].upper(), "new"])
        elif not isinstance(family, Histogram):
            kind = ValueKind.TEXT if isinstance(family, Info) else kind_of(family)
            for path in filter(None, family.paths):
                tree.leaf(path, kind)
    for guard in entity.unless:
        tree.leaf(guard.field, *kind_and_words(guard.is_))
    for label in entity.labels.values() if isinstance(entity.labels, dict) else ():
        if label.field:
            tree.leaf(label.field, ValueKind.TEXT)
    for key in entity.keys:
        tree.leaf(key, ValueKind.TEXT, KEYS)


def kind_and_words(value: object) -> tuple[ValueKind, list[str]]:
    """How a field is read that is compared with `value`, and which strings mean something in it."""
    if isinstance(value, str):
        return ValueKind.TEXT, [value]
    return (ValueKind.FLAG if isinstance(value, bool) else ValueKind.NUMBER), []


def kind_of(family: Family) -> ValueKind:
    """How the family's field is read."""
    return ValueKind.TIME if family.scale is EPOCH else family.kind


# valid and complete


def filled(tree: Tree | ValueKind, random: Random) -> Any:
    """Every field of an object, all of them valid."""
    if isinstance(tree, ValueKind):
        return random.choice(valid(tree, ()))
    made: dict[str, Any] = {
        key: random.choice(valid(kind, tree.words.get(key, ()))) for key, kind in tree.leaves.items()
    }
    made |= {key: filled(inner, random) for key, inner in tree.objects.items()}
    made |= {key: {name: filled(inner, random) for name in random.sample(KEYS, 3)} for key, inner in tree.maps.items()}
    made |= {key: [filled(inner, random) for _ in range(3)] for key, inner in tree.lists.items()}
    return made


def valid(kind: ValueKind, words: Iterable[str]) -> tuple[Any, ...]:
    """Values that are valid as they are."""
    texts = (*WORDS, *words)
    numeric = {ValueKind.NUMBER: NUMBERS, ValueKind.COUNT: COUNTS, ValueKind.TIME: TIMES, ValueKind.FLAG: FLAGS}
    return texts if kind is ValueKind.TEXT else numeric[kind]


# partial, null and wrong


@st.composite
def messages(draw: st.DrawFn, tree: Tree, *, wild: bool, only: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """A few messages about the same few fields of one object (among `only`); `wild` ones have wrong types, too."""
    focus = draw(st.lists(st.sampled_from(only or tree.keys), unique=True, min_size=1, max_size=8))
    return draw(st.lists(an_object(tree, wild=wild, focus=focus), min_size=1, max_size=4))


@st.composite
def an_object(draw: st.DrawFn, tree: Tree, *, wild: bool, focus: list[str] | None = None) -> dict[str, Any]:
    """Some fields of an object, of those in `focus`."""
    choice = tree.keys if focus is None else focus
    keys = draw(st.lists(st.sampled_from(choice), unique=True, max_size=8)) if choice else []
    return {key: draw(a_value(tree, key, wild=wild)) for key in keys}


def a_value(tree: Tree, key: str, *, wild: bool) -> st.SearchStrategy[Any]:
    """What stands under one key."""
    if key in tree.leaves:
        return a_leaf(tree.leaves[key], tuple(tree.words.get(key, ())), wild=wild)
    if key in tree.objects:
        good: st.SearchStrategy[Any] = an_object(tree.objects[key], wild=wild)
    elif key in tree.maps:
        good = st.dictionaries(st.sampled_from(KEYS), an_element(tree.maps[key], wild=wild), max_size=STRINGS_OF_A_ROW)
    else:
        good = st.lists(an_element(tree.lists[key], wild=wild), max_size=STRINGS_OF_A_ROW + 1)
    return usually(good, st.sampled_from((None, *NO_CONTAINER)) if wild else st.none())


def an_element(tree: Tree | ValueKind, *, wild: bool) -> st.SearchStrategy[Any]:
    """One element of a map or list."""
    if isinstance(tree, ValueKind):
        return a_leaf(tree, (), wild=wild)
    return usually(an_object(tree, wild=wild), st.sampled_from((None, 5, "x", [])) if wild else st.none())


def a_leaf(kind: ValueKind, words: tuple[str, ...], *, wild: bool) -> st.SearchStrategy[Any]:
    """One field."""
    good = st.sampled_from(valid(kind, words))
    return usually(good, st.sampled_from((None, *CONVERTIBLE[kind], *ILL[kind])) if wild else st.none())


def usually(good: st.SearchStrategy[Any], other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Three times out of four the first."""
    return st.integers(0, 3).flatmap(lambda n: other if n == 3 else good)
