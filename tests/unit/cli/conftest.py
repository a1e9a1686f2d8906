"""`pytest tests/unit/cli --update-golden` rewrites the expected output; review the difference before committing it."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer.testing

from collector.cli import main

GOLDEN = Path(__file__).parent / "golden"
VALID_CONFIG = """\
accounts:
  - {name: main, cloud: emea01, token_file: token}
webhook: {enabled: false}
server: {listen: "127.0.0.1:0"}
"""


def pytest_addoption(parser):
    with contextlib.suppress(ValueError):  # tests/wire has it too, and both may run at once
        parser.addoption("--update-golden", action="store_true", help="rewrite the expected output")


def pytest_collection_modifyitems(items):
    """Mark the tests that run the command line as a process."""
    for item in items:
        if "execute" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def golden(pytestconfig):
    """Compare text with the expected output of a name."""

    def compare(name, text):
        file = GOLDEN / f"{name}.txt"
        if pytestconfig.getoption("--update-golden", default=False):
            file.write_text(text, encoding="utf-8")
        assert file.exists(), f"no {file.name}: write it with --update-golden"
        assert text == file.read_text(encoding="utf-8")

    return compare


@pytest.fixture
def invoke():
    """Run the command line in this process."""
    runner = typer.testing.CliRunner()

    def invoke(*arguments, code=0, **options):
        result = runner.invoke(main.app, [str(argument) for argument in arguments], **options)
        assert result.exit_code == code, (result.output, result.exception)
        assert "Traceback" not in result.output
        return result

    return invoke


@pytest.fixture
def directory(tmp_path):
    """A directory with a token and other files that a configuration may refer to."""
    (tmp_path / "secrets").mkdir()
    os.mkfifo(tmp_path / "pipe")
    texts = {"token": b"a-token\n", "empty": b"", "binary": b"\0\1\2", "header": b"Authorization: Token d0d0d0\n"}
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text)
        (tmp_path / name).chmod(0o600)
    return tmp_path


@pytest.fixture
def execute(directory):
    """Run the command line as a process in `directory`."""

    def execute(*arguments, stdout=subprocess.PIPE, **environ):
        done = subprocess.run(
            [sys.executable, "-m", "collector", *arguments],
            cwd=directory, env=os.environ | environ, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False,
            timeout=60,
        )  # fmt: skip
        assert "Traceback" not in (done.stdout or "") + done.stderr
        return done

    return execute
