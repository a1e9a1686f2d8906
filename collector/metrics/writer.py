"""The code that writes one decoded object into the store, generated once per object kind.

Why generated: straight-line code takes a third of the 18 us per frame that an interpreted walk over the node
descriptions takes. The generated text is plain Python with the JSON path of each statement as a comment.
`mist-collector catalog --writer ap` prints it, `Writer.source` holds it, and it is registered in `linecache`, so that
tracebacks show its lines.

What it does for every node:
- A run of columns whose values are all present is packed in one C call. If one is absent (`NAN`) or null (None), the
  run is written value by value: absent keeps the stored value, null makes a hole.
- Strings are compared with those of the row; only a difference is processed.
- An absent object or collection leaves its rows unchanged; null ends its rows and makes its columns holes.
"""

from __future__ import annotations

import linecache
import re
import struct
from dataclasses import dataclass, replace
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any, Final

import msgspec
from isal.isal_zlib import adler32, crc32
from msgspec import UNSET
from msgspec.structs import astuple

from collector.error_log import GENERATED_FILE
from collector.metrics.nested_rows import RowFactory, element_keys, end_missing_rows, end_only_row, end_row
from collector.metrics.row_index import NOTHING_WRITTEN
from collector.metrics.shape import LIST, MAP
from collector.metrics.store import NAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from collector.metrics.model import Entity, Guard
    from collector.metrics.row_index import ObjectRows, RowSpec
    from collector.metrics.shape import Collection, JsonNode, RowShape, SeparateColumn
    from collector.metrics.store import Table
    from collector.metrics.texts import TextFields

_MAX_FIELDS_IN_COMMENT: Final = 4


def write_sparse(values: Any, start: int, given: tuple[float | None, ...]) -> None:
    """Write the present values of `given` from index `start`: absent (`NAN` itself) is skipped, null makes a hole."""
    for index, value in enumerate(given, start):
        if value is not NAN:
            values[index] = NAN if value is None else value


def clear_columns(values: Any, columns: tuple[int, ...], offset: int) -> None:
    """Make these columns of a row holes, because their object is null."""
    for column in columns:
        values[offset + column] = NAN


@dataclass(slots=True, frozen=True)
class RowNames:
    """The names, in the generated code, of one entity's row while its object is written."""

    entity: Entity
    values: str
    offset: str
    row: str
    packs_last_seen: JsonNode | None = None  # the node whose first run is packed together with the time of the update


@dataclass(slots=True, frozen=True)
class BlockScope:
    """A block of generated code: its indentation, the node that it writes, and the names of what belongs to its row."""

    depth: int
    node: JsonNode
    fields: str  # the node's struct as a tuple
    rows: tuple[RowNames, ...]
    children: str  # the row's collections
    key: str  # the row's own key

    def of(self, key: str) -> str:
        """Return the expression for one field of the node."""
        return f"{self.fields}[{self.node.order().index(key)}]"


@dataclass(slots=True, frozen=True)
class ElementNames:
    """The names, in the generated code, of one element of a collection while it is written."""

    element: str
    row: str
    key: str


class Writer:
    """Generates and holds `write(struct, object_rows, now)` for one object kind.

    Attributes:
        source: the generated code.
        write: writes a decoded struct into the rows of its object, at monotonic `now`.
    """

    def __init__(
        self,
        shape: RowShape,
        spec: RowSpec,
        text_fields: dict[Entity, TextFields],
        factory: RowFactory,
        skip_unchanged: Mapping[str, Callable[[msgspec.Raw], object]] | None = None,
    ) -> None:
        self._skip_unchanged = skip_unchanged or {}
        self._root = shape.node
        self._root_fields = ""
        self._shapes = factory.shapes
        self._text_fields = text_fields
        self._factory = factory
        self._names = count()
        self._lines: list[str] = []
        self._globals: dict[str, object] = {
            "astuple": astuple, "NAN": NAN, "UNSET": UNSET, "write_sparse": write_sparse,
            "clear_columns": clear_columns, "struct_error": struct.error, "element_keys": element_keys,
            "end_row": end_row, "end_missing_rows": end_missing_rows, "end_only_row": end_only_row,
            "Raw": msgspec.Raw, "crc32": crc32, "adler32": adler32,
        }  # fmt: skip
        name = function_name(shape.node.path)
        self._emit_root(name, shape, spec)
        self.source = "\n".join(self._lines) + "\n"
        code = compile(self.source, register_source(shape.node.path, self.source), "exec")
        exec(code, self._globals)  # noqa: S102 - generated above
        self.write: Callable[[Any, ObjectRows, float], None] = self._globals[name]  # type: ignore[assignment]

    # text and names

    def _line(self, depth: int, text: str, path: str = "") -> None:
        """Append a line; `path` is the JSON path that it reads."""
        self._lines.append("    " * depth + text + (f"  # {path}" if path else ""))

    def _name(self, prefix: str) -> str:
        return f"{prefix}{next(self._names)}"

    def _const(self, prefix: str, value: object) -> str:
        name = self._name(prefix)
        self._globals[name] = value
        return name

    def _name_row(self, depth: int, table: Table, row: str, node: JsonNode | None) -> RowNames:
        """Name the parts of a row. The time of the update is column 0, before the numbers of `node` if it has any."""
        values = self._const("values", table.values)
        offset = self._name("o")
        self._line(depth, f"{offset} = {row} * {table.width}", f"row of {table.entity.name}")
        if node is not None and any(column == 1 and length > 1 for _, column, length in node.runs(table.entity)):
            return RowNames(table.entity, values, offset, row, node)
        self._line(depth, f"{values}[{offset}] = now")
        return RowNames(table.entity, values, offset, row)

    # the object itself

    def _emit_root(self, name: str, shape: RowShape, spec: RowSpec) -> None:
        self._line(0, f"def {name}(struct, object_rows, now):")
        self._line(1, f'"""Write a decoded {shape.node.path} into its rows at monotonic time `now`."""')
        self._line(1, "rows = object_rows.rows")
        named = []
        for position, table in enumerate(spec.tables):
            row = self._name("r")
            create = self._const("create", self._factory.row_index.row)
            self._line(1, f"{row} = rows[{position}]")
            self._line(1, f"if {row} < 0: {row} = {create}(object_rows, {position})")
            named.append(self._name_row(1, table, row, shape.node))
        if shape.collections:
            self._line(1, "children = object_rows.children")
        self._emit_row(shape, BlockScope(1, shape.node, "struct", tuple(named), "children", "''"))

    def _emit_row(self, shape: RowShape, scope: BlockScope) -> None:
        """Write one row; `scope.fields` is still the struct itself."""
        fields = self._name("t")
        self._root_fields = self._root_fields or fields
        self._line(scope.depth, f"{fields} = astuple({scope.fields})", scope.node.path)
        inside = replace(scope, fields=fields)
        for separate in shape.separate:
            self._emit_separate(inside, separate)
        self._emit_node(inside)

    def _emit_separate(self, scope: BlockScope, separate: SeparateColumn) -> None:
        """Of several names of a field write the first that has a value; a hole if some are null and none has one."""
        row = next(row for row in scope.rows if row.entity is separate.entity)
        best = self._name("b")
        self._line(scope.depth, f"{best} = NAN")
        for path in reversed(separate.paths):
            self._emit_name(scope, path, best)
        target = f"{row.values}[{row.offset} + {separate.column}]"
        paths = " or ".join(f"{scope.node.path}.{'.'.join(path)}" for path in separate.paths)
        self._line(scope.depth, f"if {best} is not NAN: {target} = NAN if {best} is None else {best}", paths)

    def _emit_name(self, scope: BlockScope, path: tuple[str, ...], best: str) -> None:
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
        condition = f"{value} is not NAN and ({value} is not None or {best} is NAN)"
        self._line(depth, f"if {condition}: {best} = {value}", f"{scope.node.path}.{'.'.join(path)}")

    def _emit_number(self, depth: int, source: str, target: str, path: str) -> None:
        value = self._name("x")
        self._line(depth, f"{value} = {source}")
        self._line(depth, f"if {value} is not NAN: {target} = NAN if {value} is None else {value}", path)

    def _emit_node(self, scope: BlockScope) -> None:
        for row in scope.rows:
            self._emit_numbers(scope, row)
        for row in scope.rows:
            self._emit_texts(scope, row)
        for name, inner in scope.node.objects.items():
            self._emit_object(scope, name, inner)
        for collection in scope.node.collections:
            self._emit_collection(scope, collection)

    def _emit_numbers(self, scope: BlockScope, row: RowNames) -> None:
        for first, column, length in scope.node.runs(row.entity):
            keys = scope.node.order()[first : first + length]
            if length == 1:
                target = f"{row.values}[{row.offset} + {column}]"
                self._emit_number(scope.depth, f"{scope.fields}[{first}]", target, f"{scope.node.path}.{keys[0]}")
                continue
            self._emit_run(scope, row, self._slice(scope, first, length), column, keys)

    def _emit_run(self, scope: BlockScope, row: RowNames, source: str, column: int, keys: list[str]) -> None:
        part, path = self._name("p"), fields_comment(scope.node, keys)
        with_time = row.packs_last_seen is scope.node and column == 1
        pack = self._const("pack", struct.Struct(f"{len(keys) + with_time}d").pack_into)
        at = f"{row.offset} * 8, now" if with_time else f"({row.offset} + {column}) * 8"
        one_by_one = f"write_sparse({row.values}, {row.offset} + {column}, {part})"
        if with_time:
            one_by_one = f"{row.values}[{row.offset}] = now; {one_by_one}"
        self._line(scope.depth, f"{part} = {source}")
        self._line(scope.depth, f"if NAN in {part}: {one_by_one}", path)
        self._line(scope.depth, "else:")
        self._line(scope.depth + 1, f"try: {pack}({row.values}, {at}, *{part})", path)
        self._line(scope.depth + 1, f"except struct_error: {one_by_one}")

    @staticmethod
    def _slice(scope: BlockScope, first: int, length: int) -> str:
        """Return the expression for `length` fields of the node from `first` on."""
        whole = first == 0 and length == len(scope.node.order())
        return scope.fields if whole else f"{scope.fields}[{first}:{first + length}]"

    def _emit_texts(self, scope: BlockScope, row: RowNames) -> None:
        keys = scope.node.texts.get(row.entity)
        if not keys:
            return
        group, given, path = scope.node.groups[row.entity], self._name("g"), fields_comment(scope.node, keys)
        self._line(scope.depth, f"{given} = {self._texts_of(scope, keys)}", path)
        texts = self._const("texts", self._text_fields[row.entity].table.text_group(group))
        update = self._const("update", self._text_fields[row.entity].update)
        call = f"{update}({row.row}, {group}, {given}, {scope.key})"
        self._line(scope.depth, f"if {texts}[{row.row}] != {given}: {call}", path)

    def _texts_of(self, scope: BlockScope, keys: Sequence[str]) -> str:
        """Return the expression for the strings of these fields as a tuple."""
        at = list(map(scope.node.order().index, keys))
        if at == list(range(at[0], at[0] + len(at))):
            return self._slice(scope, at[0], len(at))
        return f"({', '.join(map(scope.of, keys))},)"

    # objects and collections inside the object

    def _emit_object(self, scope: BlockScope, name: str, inner: JsonNode) -> None:
        value, fields = self._name("c"), self._name("t")
        depth = scope.depth + 1
        self._line(scope.depth, f"{value} = {scope.of(name)}", inner.path)
        self._emit_skip_unchanged(scope, name, value)
        self._line(scope.depth, f"if {value} is UNSET: pass")  # the most frequent case first
        self._line(scope.depth, f"elif {value} is None:")
        self._emit_null(replace(scope, depth=depth, node=inner))
        self._line(scope.depth, "else:")
        self._line(depth, f"{fields} = astuple({value})")
        self._emit_node(replace(scope, depth=depth, node=inner, fields=fields))

    def _emit_skip_unchanged(self, scope: BlockScope, key: str, value: str) -> None:
        """Treat a field of `skip_unchanged` as absent while its JSON text equals the one that was written last.

        Two checksums together (63 bits) identify the text, at a third of the cost of Python's `hash`.
        """
        if scope.node is not self._root or key not in self._skip_unchanged:
            return
        at = f"object_rows.checksums[{list(self._skip_unchanged).index(key)}]"
        read = self._const("read", self._skip_unchanged[key])
        self._line(scope.depth, f"if type({value}) is Raw:")
        self._line(scope.depth + 1, f"checksum = crc32({value}) << 31 ^ adler32({value})")
        self._line(scope.depth + 1, f"if {at} == checksum: {value} = UNSET")
        self._line(scope.depth + 1, f"else: {at} = checksum; {value} = {read}({value})", f"{scope.node.path}.{key}")
        self._line(scope.depth, f"elif {value} is not UNSET: {at} = {NOTHING_WRITTEN}")

    def _emit_null(self, scope: BlockScope) -> None:
        """The object is null: its columns become holes, its strings unknown, its rows end."""
        self._line(scope.depth, "pass", f"{scope.node.path} is null")
        for node in scope.node.nodes():
            for row in scope.rows:
                columns = tuple(column for _, column in node.numbers.get(row.entity, []))
                if columns:
                    self._line(scope.depth, f"clear_columns({row.values}, {columns}, {row.offset})", node.path)
                if node.texts.get(row.entity):
                    update = self._const("update", self._text_fields[row.entity].update)
                    nothing = (None,) * len(node.texts[row.entity])
                    group = node.groups[row.entity]
                    self._line(scope.depth, f"{update}({row.row}, {group}, {nothing}, {scope.key})", node.path)
            for collection in node.collections:
                self._emit_end_all(scope, collection)

    def _emit_end_all(self, scope: BlockScope, collection: Collection) -> None:
        spec = self._factory.spec_of(collection)
        name = self._const("spec", spec)
        found = f"{scope.children}[{collection.position}]"
        if spec.single:
            end_all = f"end_only_row({name}, {scope.children}, {collection.position})"
        else:
            end_all = f"for key_ in list({found} or ()): end_row({name}, {found}, key_)"
        self._line(scope.depth, end_all, collection.element.path)

    def _emit_collection(self, scope: BlockScope, collection: Collection) -> None:
        value, found = self._name("c"), self._name("d")
        self._line(scope.depth, f"{value} = {scope.of(collection.key)}", collection.element.path)
        self._emit_skip_unchanged(scope, collection.key, value)
        if collection.entity.requires:
            required = f"{self._root_fields}[{self._root.order().index(collection.entity.requires)}]"
            path = f"{self._root.path}.{collection.entity.requires}"
            self._line(scope.depth, f"if {required} is NAN or {required} is None: {value} = UNSET", path)
        self._line(scope.depth, f"if {value} is None:")
        inside = replace(scope, depth=scope.depth + 1)
        self._emit_end_all(inside, collection)
        self._line(scope.depth, f"elif {value} is not UNSET:")
        children = f"{scope.children}[{collection.position}]"
        if not self._factory.spec_of(collection).single:
            self._line(inside.depth, f"{found} = {children}")
            self._line(inside.depth, f"if {found} is None: {found} = {children} = {{}}")
        self._emit_elements(inside, collection, value, found)

    def _emit_elements(self, scope: BlockScope, collection: Collection, value: str, found: str) -> None:
        key, element, row = self._name("k"), self._name("e"), self._name("r")
        spec, path = self._factory.spec_of(collection), collection.element.path
        name = self._const("spec", spec)
        known, within, at = f"{found}.get({key})", found, key
        end_it = f"end_row({name}, {found}, {key}); continue"
        if spec.single:
            known, within, at = f"{scope.children}[{collection.position}]", scope.children, str(collection.position)
            end_it = f"end_only_row({name}, {within}, {at}); continue"
        depth = scope.depth + 1
        self._line(scope.depth, f"for {key}, {element} in {self._iteration(collection, value)}:", path)
        self._line(depth, f"if {element} is None: {end_it}")
        for guard in collection.entity.unless:
            *lines, condition = guard_lines(collection.element, guard, element, self._const("unless", guard.is_))
            for line in lines:
                self._line(depth, line)
            self._line(depth, f"if {condition}: {end_it}", f"{path}.{guard.field}")
        parent = next(names.row for names in scope.rows if names.entity is collection.entity.within)
        make = self._const("make", self._factory.maker_of(collection))
        self._line(depth, f"{row} = {known}")
        self._line(depth, f"if {row} is None:")
        self._line(depth + 1, f"{row} = {make}({parent}, {within}, {at})", path)
        self._line(depth + 1, f"if {row} is None: continue")
        self._emit_element(depth, collection, ElementNames(element, row, key))
        if spec.skip_unchanged and collection.form == MAP:
            end_missing = f"end_missing_rows({name}, {found}, {value})"
            self._line(scope.depth, f"if not {found}.keys() <= {value}.keys(): {end_missing}", path)

    @staticmethod
    def _iteration(collection: Collection, value: str) -> str:
        """Return the expression that yields (key, element) pairs."""
        if collection.form == MAP:
            return f"{value}.items()"
        if collection.form != LIST:
            return f"(('', {value}),)"
        keys = () if collection.scalar else collection.entity.keys
        return f"element_keys({value}, {tuple(map(collection.element.order().index, keys))})"

    def _emit_element(self, depth: int, collection: Collection, names: ElementNames) -> None:
        shape, children = self._shapes[collection.element], self._name("children")
        if shape.collections:
            self._line(depth, f"{children} = {names.row}.children")
            self._line(depth, f"{names.row} = {names.row}.rows[0]")
        node = None if collection.scalar else shape.node
        row = self._name_row(depth, self._factory.spec_of(collection).table, names.row, node)
        if collection.scalar:
            self._emit_number(depth, names.element, f"{row.values}[{row.offset} + 1]", shape.node.path)
        else:
            self._emit_row(shape, BlockScope(depth, shape.node, names.element, (row,), children, names.key))


def guard_lines(node: JsonNode, guard: Guard, element: str, constant: str) -> Iterator[str]:
    """Yield the statements, and last the expression, that evaluate the guard for `element`."""
    *parents, name = guard.field.split(".")
    if not parents:
        yield f"{element}.f{node.order().index(name)} == {constant}"
        return
    yield f"unless_ = {element}"
    for parent in parents:
        yield f"unless_ = unless_ and unless_.f{node.order().index(parent)} or None"
        node = node.objects[parent]
    yield f"unless_ is not None and unless_.f{node.order().index(name)} == {constant}"


def fields_comment(node: JsonNode, keys: Sequence[str]) -> str:
    """Return the JSON path of a node and the names of these fields of it, the first ones if they are many."""
    more = len(keys) - _MAX_FIELDS_IN_COMMENT
    names = ", ".join(keys[:_MAX_FIELDS_IN_COMMENT])
    return f"{node.path}: {names}" + (f" and {more} more" if more > 0 else "")


def function_name(kind: str) -> str:
    """Return the name of the generated function of an object kind: `write_ap`."""
    return "write_" + re.sub(r"\W", "_", kind)


def register_source(kind: str, source: str) -> str:
    """Register generated code in `linecache` and return its file name: `<writer ap>`.

    Another code of the same kind (a second store of a test) is registered under a number.
    """
    lines = source.splitlines(keepends=True)
    names = (GENERATED_FILE.format(kind=kind if number == 1 else f"{kind} {number}") for number in count(1))
    name = next(name for name in names if linecache.getlines(name) in ([], lines))
    linecache.cache[name] = (len(source), None, lines, name)
    return name
