"""docs/faults.md is the table of the fault tests: none is missing, none is left over. Each test holds its own row."""

import ast
from pathlib import Path

from tests.support.faults import DOCUMENT, SECTIONS, rows_of_document

ROOT = Path(__file__).resolve().parents[2]


def marked():
    """Section and fault of every test that carries the mark."""
    for path in sorted((ROOT / "tests/faults").glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for mark in node.decorator_list:
                    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
                        yield node, [ast.literal_eval(argument) for argument in mark.args]


def test_the_document_knows_every_fault_and_no_other():
    faults = [fault for _, (_, fault) in marked()]
    assert len(faults) == len(set(faults)), "two tests of one name"
    assert set(rows_of_document(DOCUMENT.read_text(encoding="utf-8"))) == set(faults), "make faults"


def test_there_are_many():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert len(rows_of_document(text)) >= 45
    assert f"\n{len(rows_of_document(text))} faults.\n" in text


def test_every_test_of_the_register_reports():
    assert [node.name for node, _ in marked() if "fault" not in [a.arg for a in node.args.args]] == []
    assert {section for _, (section, _) in marked()} == set(SECTIONS)
