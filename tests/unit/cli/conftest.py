"""`pytest tests/unit/cli --update-golden` writes the expected texts anew; read the difference before you commit it."""

import contextlib


def pytest_addoption(parser):
    with contextlib.suppress(ValueError):  # tests/wire has it too, and both may be run at once
        parser.addoption("--update-golden", action="store_true", help="write the expected texts anew")
