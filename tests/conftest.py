"""Shared by all tests: fixtures of external programs, the order and the selection of a run, Hypothesis profiles."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

from tests.support import programs
from tests.support.skips import pytest_make_collect_report, pytest_runtest_makereport

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]  # hooks

ROOT = Path(__file__).resolve().parent.parent

# No test depends on the speed of the machine. In CI the examples are the same in every run.
hypothesis.settings.register_profile("collector", deadline=None, derandomize=programs.in_ci())
hypothesis.settings.register_profile("quick", hypothesis.settings.get_profile("collector"), max_examples=12)
hypothesis.settings.load_profile("collector")

# Tests of whole daemons: tracing them for the coverage would slow down what they wait for.
UNTRACED = frozenset({"e2e", "faults"})
# Fixtures whose tests start an external program, or read its output.
PROGRAM_FIXTURES = frozenset({"promtool", "prometheus", "amtool", "chromium"})


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that write expected files and the rows of docs/faults.md instead of comparing them."""
    parser.addoption("--update-golden", action="store_true", help="write the expected files of tests/wire")
    parser.addoption("--faults-to", metavar="DIR", help="write the rows of docs/faults.md there, compare none of them")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they use, and run the end-to-end tests first, in one worker: they take longest."""
    for item in items:
        if PROGRAM_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
        parts = item.path.relative_to(ROOT).parts
        if UNTRACED.intersection(parts):
            item.add_marker(pytest.mark.no_cover)
        if "e2e" in parts:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.xdist_group("e2e"))
    items.sort(key=lambda item: item.get_closest_marker("e2e") is None)


@pytest.fixture(scope="session")
def project() -> Path:
    """Return the root directory of the project."""
    return ROOT


@pytest.fixture(scope="session")
def promtool() -> str:
    """Return the path of promtool; skip the test without it, fail it in CI."""
    return programs.require("promtool")


@pytest.fixture(scope="session")
def prometheus() -> str:
    """Return the path of prometheus; skip the test without it, fail it in CI."""
    return programs.require("prometheus")


@pytest.fixture(scope="session")
def amtool() -> str:
    """Return the path of amtool; skip the test without it, fail it in CI."""
    return programs.require("amtool")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of Chromium; skip the test without it, fail it in CI."""
    return programs.require("chromium")
