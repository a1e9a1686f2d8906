"""The README's picture agrees with the folders, and its line of imports with the contract that is enforced."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
_HIDDEN = ("__init__.py", "__main__.py", "py.typed", "__pycache__")


def _text_block(beginning: str) -> list[str]:
    """The lines of the README's text block that begins with `beginning`."""
    blocks = re.findall(r"^```text\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    (found,) = [block for block in blocks if block.startswith(beginning)]
    return found.splitlines()


def _tree() -> tuple[set[str], set[str]]:
    """The names in the README's tree: those at the top, those in collector/. A folder ends in a slash."""
    top, inner = set(), set()
    for line in _text_block("collector/"):
        (inner if line.startswith(" ") else top).add(line.split()[0])
    return top, inner


def _folder(path: Path) -> set[str]:
    """What lies in a folder, written as the tree writes it; folders without a file do not count."""
    return {
        entry.name + "/" * entry.is_dir()
        for entry in path.iterdir()
        if entry.name not in _HIDDEN and (entry.is_file() or any(inner.is_file() for inner in entry.rglob("*.*")))
    }


def test_the_tree_shows_all_of_the_package():
    assert _tree()[1] == _folder(ROOT / "collector")


def test_the_tree_shows_only_folders_that_exist():
    assert [name for name in _tree()[0] if not (ROOT / name).is_dir()] == []


def _existing(group: str) -> set[str]:
    """The modules of one layer as pyproject.toml writes it, those that exist."""
    names = {name.strip(" ()").removeprefix("collector.") for name in group.split("|")}
    return {name for name in names if (ROOT / "collector" / name).is_dir() or (ROOT / f"collector/{name}.py").is_file()}


def _layers() -> list[set[str]]:
    """The enforced layers, highest first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (contract,) = [contract for contract in settings["contracts"] if contract["type"] == "layers"]
    return [layer for layer in map(_existing, contract["layers"]) if layer]


def test_the_line_of_imports_is_the_enforced_one():
    (line,) = _text_block("cli ->")
    shown = [set(re.findall(r"\w+", group)) for group in line.split("->")]
    assert shown == _layers()


def test_every_module_has_a_layer():
    layered = set().union(*_layers())
    modules = {name.removesuffix("/").removesuffix(".py") for name in _folder(ROOT / "collector")}
    assert modules - layered == set()


@pytest.mark.parametrize("path", sorted((ROOT / "docs/decisions").glob("*.md")), ids=lambda path: path.name)
def test_a_decision_has_its_form(path):
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert text.startswith(f"# {int(path.name[:4])}. ")
    assert f"decisions/{path.name}" in (ROOT / "docs/index.md").read_text(encoding="utf-8")
