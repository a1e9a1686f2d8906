"""The code that writes one decoded object into the store, generated once per object kind.

Why generated: the same walk over node descriptions costs 18 us a frame as an interpreted loop and a third of that as
straight-line code. The text it makes is plain Python, one statement a line; `Writer.source` holds it for whoever wants
to read what is done for a payload.

The rules it spells out for every node:
- a run of columns whose values are all there is packed in one C call; where one is absent (`NAN`) or null (None), the
  run is written value by value, so that absent leaves the old value and null makes a hole;
- strings are compared with what the row holds, and only a difference is looked into;
- an object or collection that is absent leaves its rows alone, null ends what it said.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any

import msgspec
from isal.isal_zlib import adler32, crc32
from msgspec import UNSET
from msgspec.structs import astuple

from collector.metrics.row_index import NEVER_TOLD
from collector.metrics.rows import RowMaker, element_keys, forget, forget_missing, forget_one
from collector.metrics.shape import LIST, MAP
from collector.metrics.store import NAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from collector.metrics.model import Entity, Guard
    from collector.metrics.row_index import ObjectRows, RowSpec
    from collector.metrics.shape import Collection, Late, Node, RowShape
    from collector.metrics.store import Table
    from collector.metrics.texts import TextRoles


def sparse(values: Any, start: int, given: tuple[float | None, ...]) -> None:
    """Write those of `given` that are there: absent (`NAN` itself) is skipped, null becomes a hole."""
    for index, value in enumerate(given, start):
        if value is not NAN:
            values[index] = NAN if value is None else value


def clear_columns(values: Any, columns: tuple[int, ...], offset: int) -> None:
    """An object was explicitly null: what it said before is no longer so."""
    for column in columns:
        values[offset + column] = NAN


@dataclass(slots=True, frozen=True)
class Var:
    """The names, in the generated code, of one entity's row while its object is written."""

    entity: Entity
    values: str
    offset: str
    row: str
    sight: Node | None = None  # the node whose first run is packed together with the time of sight


@dataclass(slots=True, frozen=True)
class Scope:
    """Where in the generated code we are: the node at hand and the names of what belongs to its row."""

    depth: int
    node: Node
    fields: str  # the node's struct as a tuple
    variables: tuple[Var, ...]
    children: str  # the row's collections
    key: str  # the row's own key

    def of(self, key: str) -> str:
        """The expression for one field of the node."""
        return f"{self.fields}[{self.node.order().index(key)}]"


@dataclass(slots=True, frozen=True)
class Element:
    """The names of one element of a collection while it is written."""

    element: str
    row: str
    key: str


class Writer:
    """Generates and holds `write(struct, place, now)` for one kind of object."""

    def __init__(
        self,
        shape: RowShape,
        spec: RowSpec,
        roles: dict[Entity, TextRoles],
        maker: RowMaker,
        steady: Mapping[str, Callable[[msgspec.Raw], object]] | None = None,
    ) -> None:
        self._steady = steady or {}
        self._root = shape.node
        self._root_fields = ""
        self._shapes = maker.shapes
        self._roles = roles
        self._maker = maker
        self._names = count()
        self._lines: list[str] = []
        self._env: dict[str, object] = {
            "astuple": astuple, "NAN": NAN, "UNSET": UNSET, "sparse": sparse, "clear_columns": clear_columns,
            "struct_error": struct.error, "element_keys": element_keys, "forget": forget,
            "forget_missing": forget_missing, "forget_one": forget_one, "Raw": msgspec.Raw,
            "crc32": crc32, "adler32": adler32,
        }  # fmt: skip
        self._emit_root(shape, spec)
        self.source = "\n".join(self._lines)
        exec(compile(self.source, f"<writer of {shape.node.path}>", "exec"), self._env)  # noqa: S102 - our own text
        self.write: Callable[[Any, ObjectRows, float], None] = self._env["write"]  # type: ignore[assignment]

    # plumbing

    def _line(self, depth: int, text: str) -> None:
        self._lines.append("    " * depth + text)

    def _name(self, prefix: str) -> str:
        return f"{prefix}{next(self._names)}"

    def _const(self, prefix: str, value: object) -> str:
        name = self._name(prefix)
        self._env[name] = value
        return name

    def _bind(self, depth: int, table: Table, row: str, node: Node | None) -> Var:
        """Name the parts of a row; its time of sight is column 0, right before the numbers of `node`, if it has any."""
        values = self._const("values", table.values)
        offset = self._name("o")
        self._line(depth, f"{offset} = {row} * {table.width}")
        if node is not None and any(column == 1 and length > 1 for _, column, length in node.runs(table.entity)):
            return Var(table.entity, values, offset, row, node)
        self._line(depth, f"{values}[{offset}] = now")
        return Var(table.entity, values, offset, row)

    # the object itself

    def _emit_root(self, shape: RowShape, spec: RowSpec) -> None:
        self._line(0, "def write(s, place, now):")
        self._line(1, "rows = place.rows")
        variables = []
        for position, table in enumerate(spec.tables):
            row = self._name("r")
            self._line(1, f"{row} = rows[{position}]")
            self._line(1, f"if {row} < 0: {row} = {self._const('revive', self._maker.roster.row)}(place, {position})")
            variables.append(self._bind(1, table, row, shape.node))
        if shape.collections:
            self._line(1, "children = place.children")
        self._emit_row(shape, Scope(1, shape.node, "s", tuple(variables), "children", "''"))

    def _emit_row(self, shape: RowShape, scope: Scope) -> None:
        """Write one row; `scope.fields` is still the struct itself."""
        fields = self._name("t")
        self._root_fields = self._root_fields or fields
        self._line(scope.depth, f"{fields} = astuple({scope.fields})")
        inside = replace(scope, fields=fields)
        for late in shape.late:
            self._emit_late(inside, late)
        self._emit_node(inside)

    def _emit_late(self, scope: Scope, late: Late) -> None:
        """Of several names of a field the first that has a value; a hole if some are null and none has one."""
        var = next(v for v in scope.variables if v.entity is late.entity)
        best = self._name("b")
        self._line(scope.depth, f"{best} = NAN")
        for path in reversed(late.paths):
            self._emit_name(scope, path, best)
        target = f"{var.values}[{var.offset} + {late.column}]"
        self._line(scope.depth, f"if {best} is not NAN: {target} = NAN if {best} is None else {best}")

    def _emit_name(self, scope: Scope, path: tuple[str, ...], best: str) -> None:
        node, depth, source = scope.node, scope.depth, scope.of(path[0])
        for parent, name in pairwise(path):
            node = node.objects[parent]
            inner = self._name("x")
            self._line(depth, f"{inner} = {source}")
            self._line(depth, f"if {inner} is None:")
            self._line(depth + 1, f"if {best} is NAN: {best} = None")
            self._line(depth, f"elif {inner} is not UNSET:")
            depth += 1
            source = f"{inner}.f{node.order().index(name)}"
        value = self._name("x")
        self._line(depth, f"{value} = {source}")
        self._line(depth, f"if {value} is not NAN and ({value} is not None or {best} is NAN): {best} = {value}")

    def _emit_number(self, depth: int, source: str, target: str) -> None:
        value = self._name("x")
        self._line(depth, f"{value} = {source}")
        self._line(depth, f"if {value} is not NAN: {target} = NAN if {value} is None else {value}")

    def _emit_node(self, scope: Scope) -> None:
        for var in scope.variables:
            self._emit_numbers(scope, var)
        for var in scope.variables:
            self._emit_texts(scope, var)
        for name, inner in scope.node.objects.items():
            self._emit_object(scope, name, inner)
        for collection in scope.node.collections:
            self._emit_collection(scope, collection)

    def _emit_numbers(self, scope: Scope, var: Var) -> None:
        for first, column, length in scope.node.runs(var.entity):
            start = f"{var.offset} + {column}"
            if length == 1:
                self._emit_number(scope.depth, f"{scope.fields}[{first}]", f"{var.values}[{start}]")
                continue
            self._emit_run(scope, var, self._slice(scope, first, length), column, length)

    def _emit_run(self, scope: Scope, var: Var, source: str, column: int, length: int) -> None:
        part = self._name("p")
        sighted = var.sight is scope.node and column == 1
        pack = self._const("pack", struct.Struct(f"{length + sighted}d").pack_into)
        at = f"{var.offset} * 8, now" if sighted else f"({var.offset} + {column}) * 8"
        one_by_one = f"sparse({var.values}, {var.offset} + {column}, {part})"
        if sighted:
            one_by_one = f"{var.values}[{var.offset}] = now; {one_by_one}"
        self._line(scope.depth, f"{part} = {source}")
        self._line(scope.depth, f"if NAN in {part}: {one_by_one}")
        self._line(scope.depth, "else:")
        self._line(scope.depth + 1, f"try: {pack}({var.values}, {at}, *{part})")
        self._line(scope.depth + 1, f"except struct_error: {one_by_one}")

    @staticmethod
    def _slice(scope: Scope, first: int, length: int) -> str:
        """The expression for so many fields of the node from `first` on."""
        whole = first == 0 and length == len(scope.node.order())
        return scope.fields if whole else f"{scope.fields}[{first}:{first + length}]"

    def _emit_texts(self, scope: Scope, var: Var) -> None:
        keys = scope.node.texts.get(var.entity)
        if not keys:
            return
        group, given = scope.node.groups[var.entity], self._name("g")
        self._line(scope.depth, f"{given} = {self._texts_of(scope, keys)}")
        texts = self._const("texts", self._roles[var.entity].table.text_group(group))
        update = self._const("update", self._roles[var.entity].update)
        call = f"{update}({var.row}, {group}, {given}, {scope.key})"
        self._line(scope.depth, f"if {texts}[{var.row}] != {given}: {call}")

    def _texts_of(self, scope: Scope, keys: Sequence[str]) -> str:
        """The expression for the strings of these fields as a tuple."""
        at = list(map(scope.node.order().index, keys))
        if at == list(range(at[0], at[0] + len(at))):
            return self._slice(scope, at[0], len(at))
        return f"({', '.join(map(scope.of, keys))},)"

    # what is inside

    def _emit_object(self, scope: Scope, name: str, inner: Node) -> None:
        value, fields = self._name("c"), self._name("t")
        depth = scope.depth + 1
        self._line(scope.depth, f"{value} = {scope.of(name)}")
        self._emit_steady(scope, name, value)
        self._line(scope.depth, f"if {value} is UNSET: pass")  # the usual case first
        self._line(scope.depth, f"elif {value} is None:")
        self._emit_null(replace(scope, depth=depth, node=inner))
        self._line(scope.depth, "else:")
        self._line(depth, f"{fields} = astuple({value})")
        self._emit_node(replace(scope, depth=depth, node=inner, fields=fields))

    def _emit_steady(self, scope: Scope, key: str, value: str) -> None:
        """A steady field is passed over (as if absent) while its text is the one that was written last.

        The text is known by two checksums together (63 bits): a third of the cost of Python's own hash.
        """
        if scope.node is not self._root or key not in self._steady:
            return
        at = f"place.steady[{list(self._steady).index(key)}]"
        read = self._const("section", self._steady[key])
        self._line(scope.depth, f"if type({value}) is Raw:")
        self._line(scope.depth + 1, f"sum_ = crc32({value}) << 31 ^ adler32({value})")
        self._line(scope.depth + 1, f"if {at} == sum_: {value} = UNSET")
        self._line(scope.depth + 1, f"else: {at} = sum_; {value} = {read}({value})")
        self._line(scope.depth, f"elif {value} is not UNSET: {at} = {NEVER_TOLD}")

    def _emit_null(self, scope: Scope) -> None:
        """The object is null: every column it feeds becomes a hole, its strings unknown, its rows end."""
        self._line(scope.depth, "pass")
        for node in scope.node.nodes():
            for var in scope.variables:
                columns = tuple(column for _, column in node.numbers.get(var.entity, []))
                if columns:
                    self._line(scope.depth, f"clear_columns({var.values}, {columns}, {var.offset})")
                if node.texts.get(var.entity):
                    update = self._const("update", self._roles[var.entity].update)
                    nothing = (None,) * len(node.texts[var.entity])
                    group = node.groups[var.entity]
                    self._line(scope.depth, f"{update}({var.row}, {group}, {nothing}, {scope.key})")
            for collection in node.collections:
                self._emit_forget_all(scope, collection)

    def _emit_forget_all(self, scope: Scope, collection: Collection) -> None:
        spec = self._const("spec", self._maker.spec_of(collection))
        found = f"{scope.children}[{collection.position}]"
        if self._maker.spec_of(collection).single:
            self._line(scope.depth, f"forget_one({spec}, {scope.children}, {collection.position})")
        else:
            self._line(scope.depth, f"for key_ in list({found} or ()): forget({spec}, {found}, key_)")

    def _emit_collection(self, scope: Scope, collection: Collection) -> None:
        value, found = self._name("c"), self._name("d")
        self._line(scope.depth, f"{value} = {scope.of(collection.key)}")
        self._emit_steady(scope, collection.key, value)
        if collection.entity.requires:
            required = f"{self._root_fields}[{self._root.order().index(collection.entity.requires)}]"
            self._line(scope.depth, f"if {required} is NAN or {required} is None: {value} = UNSET")
        self._line(scope.depth, f"if {value} is None:")
        inside = replace(scope, depth=scope.depth + 1)
        self._emit_forget_all(inside, collection)
        self._line(scope.depth, f"elif {value} is not UNSET:")
        place = f"{scope.children}[{collection.position}]"
        if not self._maker.spec_of(collection).single:
            self._line(inside.depth, f"{found} = {place}")
            self._line(inside.depth, f"if {found} is None: {found} = {place} = {{}}")
        self._emit_elements(inside, collection, value, found)

    def _emit_elements(self, scope: Scope, collection: Collection, value: str, found: str) -> None:
        key, element, row = self._name("k"), self._name("e"), self._name("r")
        spec = self._const("spec", self._maker.spec_of(collection))
        single = self._maker.spec_of(collection).single
        known, within, at = f"{found}.get({key})", found, key
        forget_it = f"forget({spec}, {found}, {key}); continue"
        if single:
            known, within, at = f"{scope.children}[{collection.position}]", scope.children, str(collection.position)
            forget_it = f"forget_one({spec}, {within}, {at}); continue"
        depth = scope.depth + 1
        self._line(scope.depth, f"for {key}, {element} in {self._iteration(collection, value)}:")
        self._line(depth, f"if {element} is None: {forget_it}")
        for guard in collection.entity.unless:
            *lines, condition = guard_lines(collection.element, guard, element, self._const("unless", guard.is_))
            for line in lines:
                self._line(depth, line)
            self._line(depth, f"if {condition}: {forget_it}")
        parent = next(var.row for var in scope.variables if var.entity is collection.entity.within)
        make = self._const("make", self._maker.maker_of(collection))
        self._line(depth, f"{row} = {known}")
        self._line(depth, f"if {row} is None:")
        self._line(depth + 1, f"{row} = {make}({parent}, {within}, {at})")
        self._line(depth + 1, f"if {row} is None: continue")
        self._emit_element(depth, collection, Element(element, row, key))
        if self._maker.spec_of(collection).steady and collection.form == MAP:
            self._line(
                scope.depth, f"if not {found}.keys() <= {value}.keys(): forget_missing({spec}, {found}, {value})"
            )

    @staticmethod
    def _iteration(collection: Collection, value: str) -> str:
        """The expression that yields (key, element) pairs."""
        if collection.form == MAP:
            return f"{value}.items()"
        if collection.form != LIST:
            return f"(('', {value}),)"
        keys = () if collection.scalar else collection.entity.keys
        return f"element_keys({value}, {tuple(map(collection.element.order().index, keys))})"

    def _emit_element(self, depth: int, collection: Collection, names: Element) -> None:
        shape, children = self._shapes[collection.element], self._name("children")
        if shape.collections:
            self._line(depth, f"{children} = {names.row}.children")
            self._line(depth, f"{names.row} = {names.row}.rows[0]")
        node = None if collection.scalar else shape.node
        var = self._bind(depth, self._maker.spec_of(collection).table, names.row, node)
        if collection.scalar:
            self._emit_number(depth, names.element, f"{var.values}[{var.offset} + 1]")
        else:
            self._emit_row(shape, Scope(depth, shape.node, names.element, (var,), children, names.key))


def guard_lines(node: Node, guard: Guard, element: str, constant: str) -> Iterator[str]:
    """Statements, and last the expression, that tell whether the guard holds for `element`."""
    *parents, name = guard.field.split(".")
    if not parents:
        yield f"{element}.f{node.order().index(name)} == {constant}"
        return
    yield f"unless_ = {element}"
    for parent in parents:
        yield f"unless_ = unless_ and unless_.f{node.order().index(parent)} or None"
        node = node.objects[parent]
    yield f"unless_ is not None and unless_.f{node.order().index(name)} == {constant}"
