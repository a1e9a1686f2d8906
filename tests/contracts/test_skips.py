"""A test that is skipped for a missing program fails in CI."""

import os
import subprocess
import sys

import pytest

from tests.support import skips

TESTS = """
import pytest

def test_program():
    pytest.skip("x is not on PATH: apt-get install x")

@pytest.mark.skipif(True, reason="x is not installed")
def test_mark():
    pass

@pytest.fixture
def program():
    pytest.skip("x is not on PATH")

def test_fixture(program):
    pass

def test_machine():
    pytest.skip("no IPv6")

@pytest.mark.xfail(reason="x is wrong", strict=True)
def test_expected_failure():
    assert False
"""
MODULE = 'import pytest\npytest.importorskip("no_such_module_anywhere")\n'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "ci", "outcome"),
    [
        (TESTS, "", "4 skipped, 1 xfailed"),
        (TESTS, "1", "1 failed, 1 skipped, 1 xfailed, 2 errors"),
        (MODULE, "", "1 skipped"),
        (MODULE, "1", "1 error"),
    ],
    ids=["tests", "tests in CI", "module", "module in CI"],
)
def test_a_skip_for_a_missing_program_fails_in_ci(project, tmp_path, text, ci, outcome):
    (tmp_path / "test_some.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-p", "tests.support.skips", "-p", "no:cacheprovider", tmp_path]
    environ = os.environ | {"CI": ci, "PYTHONPATH": str(project)}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert f" {outcome} in " in done.stdout, done.stdout + done.stderr


def test_a_reason_is_allowed_for_a_reason(monkeypatch):
    monkeypatch.setenv("CI", "true")
    assert all(why for why in skips.ALLOWED.values())
    assert not skips.is_failure("root may read every file")
    assert skips.is_failure("promtool is not on PATH: apt-get install prometheus")
    monkeypatch.setenv("CI", "false")
    assert not skips.is_failure("promtool is not on PATH: apt-get install prometheus")
