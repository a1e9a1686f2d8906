"""What all tests share: the real programs, the order of the run, and Hypothesis without a stop-watch."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

from tests.support import programs

ROOT = Path(__file__).resolve().parent.parent

# No test of ours depends on how fast the machine is. In CI the examples are the same in every run.
hypothesis.settings.register_profile("collector", deadline=None, derandomize=programs.in_ci())
hypothesis.settings.load_profile("collector")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make faults` says where its rows go; `--update-golden` rewrites what tests/wire expects."""
    parser.addoption("--update-golden", action="store_true", help="write the expected files of tests/wire anew")
    parser.addoption("--faults-to", metavar="DIR", help="write the rows of docs/faults.md there, and hold none of them")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give all end-to-end tests to one worker, one after the other, and begin with them: they take longest."""
    for item in items:
        if "e2e" in item.path.relative_to(ROOT).parts:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.xdist_group("e2e"))
    items.sort(key=lambda item: item.get_closest_marker("e2e") is None)


@pytest.fixture(scope="session")
def project() -> Path:
    """Return the folder of the project, where pyproject.toml is."""
    return ROOT


@pytest.fixture(scope="session")
def promtool() -> str:
    """Return the path of promtool; without it the test is skipped, or fails in CI."""
    return programs.require("promtool")


@pytest.fixture(scope="session")
def prometheus() -> str:
    """Return the path of prometheus; without it the test is skipped, or fails in CI."""
    return programs.require("prometheus")


@pytest.fixture(scope="session")
def amtool() -> str:
    """Return the path of amtool; without it the test is skipped, or fails in CI."""
    return programs.require("amtool")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of a Chromium; without it the test is skipped, or fails in CI."""
    return programs.require("chromium")
