"""`pytest tests/wire --update-golden` writes the expected files anew; read the difference before you commit it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--update-golden", action="store_true", help="write the expected files of tests/wire anew")
