"""The locks contain every dependency of pyproject.toml, with hashes, and nothing of the machine that wrote them."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUN_TIME = PYPROJECT["project"]["dependencies"]
LOCKS = {
    "requirements.lock": RUN_TIME,
    "requirements-dev.lock": RUN_TIME + PYPROJECT["dependency-groups"]["dev"] + PYPROJECT["build-system"]["requires"],
    "requirements-actionlint.lock": PYPROJECT["dependency-groups"]["actionlint"],
}


def _normal(requirement: str) -> str:
    """Return the name of a requirement in the normal form of PyPI."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def _pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))


def test_every_lock_is_tested():
    assert {path.name for path in ROOT.glob("requirements*.lock")} == set(LOCKS)


@pytest.mark.parametrize(("lock", "requirements"), LOCKS.items())
def test_every_dependency_is_locked(lock, requirements):
    assert {_normal(requirement) for requirement in requirements} - set(_pins(lock)) == set()


def test_the_development_lock_contains_the_pins_of_the_run_time():
    assert _pins("requirements.lock").items() <= _pins("requirements-dev.lock").items()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock):
    entries = re.split(r"^(?=[\w.-]+==)", (ROOT / lock).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert entries
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index_and_no_path(lock):
    assert re.findall(r"https?://\S*|file:/\S*|^--(?!hash).*| /\S+", (ROOT / lock).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_is_written_with_the_oldest_supported_python(lock):
    oldest = PYPROJECT["project"]["requires-python"].removeprefix(">=")
    assert f"pip-compile with Python {oldest}\n" in (ROOT / lock).read_text(encoding="utf-8")
