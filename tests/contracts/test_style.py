"""The size of things: a module is a page or three, a function fits on a screen, every module says what it is for."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(ROOT.glob("collector/**/*.py"))
MODULE_LINES = 400
FUNCTION_LINES = 50
# As the end of a longer name they hide what a thing is; alone, Processor is a CPU.
FORBIDDEN = ("Manager", "Helper", "Utils", "Util", "Processor", "Service")


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _table_lines(tree: ast.Module) -> int:
    """Count the lines of top-level assignments: tables."""
    tables = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
    return sum(node.end_lineno - node.lineno + 1 for node in tables)


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines from the first statement behind the docstring to the last."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", MODULES, ids=_relative)
def test_a_module_is_short(path):
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    if path.is_relative_to(ROOT / "collector/catalog"):
        lines -= _table_lines(ast.parse(text))
    assert lines <= MODULE_LINES, f"{lines} lines: split it (tables of the catalogue do not count)"


@pytest.mark.parametrize("path", MODULES, ids=_relative)
def test_functions_are_short(path):
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = [f"{node.name} (line {node.lineno}): {_body_lines(node)} lines" for node in functions]
    assert [row for row, node in zip(long, functions, strict=True) if _body_lines(node) > FUNCTION_LINES] == []


@pytest.mark.parametrize("path", MODULES, ids=_relative)
def test_names_say_what_a_thing_is(path):
    classes = [
        node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ClassDef)
    ]
    assert [name for name in classes if name.endswith(FORBIDDEN) and name.lstrip("_") not in FORBIDDEN] == []


def test_half_of_the_modules_are_below_200_lines():
    sizes = sorted(path.read_text(encoding="utf-8").count("\n") for path in MODULES)
    assert sizes[len(sizes) // 2] < 200
