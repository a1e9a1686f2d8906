"""The names of classes: no filler words, and one name means one thing in the whole package."""

import ast
import functools
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(ROOT.glob("collector/**/*.py"))
# As the end of a longer name these words do not describe a class; alone, Processor is a CPU.
FORBIDDEN = ("Manager", "Helper", "Utils", "Util", "Processor", "Service")
# Class names that more than one module may define, each with the reason.
ALLOWED: dict[str, str] = {}
# Class names that more than one module defines today. A name that becomes unique has to be removed from this list.
KNOWN = frozenset(())


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _classes(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]


@functools.cache
def _duplicates() -> dict[str, list[str]]:
    """Return the modules of each class name that is defined more than once; `_Name` is the same name as `Name`."""
    modules = defaultdict(list)
    for path in MODULES:
        for name in _classes(path):
            modules[name.lstrip("_")].append(_relative(path))
    return {name: paths for name, paths in modules.items() if len(paths) > 1}


@pytest.mark.parametrize("path", MODULES, ids=_relative)
def test_a_class_name_has_no_filler_word(path):
    names = [name for name in _classes(path) if name.lstrip("_") not in FORBIDDEN]
    assert [name for name in names if name.endswith(FORBIDDEN)] == []


def test_a_class_name_is_unique():
    assert {name: paths for name, paths in _duplicates().items() if name not in {*ALLOWED, *KNOWN}} == {}


def test_the_lists_of_duplicates_are_current():
    assert sorted({*ALLOWED, *KNOWN} - set(_duplicates())) == []
