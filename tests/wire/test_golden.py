"""Recorded input through `mist-collector replay`, compared with the exposition beside it. A new case is new data.

See tests/support/golden.py for the kinds of files; `pytest tests/wire --update-golden` writes the expected ones.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import golden

FOLDER = Path(__file__).parent
CASES = golden.cases(FOLDER)


# one worker a case, so that it is replayed once
@pytest.fixture(params=[pytest.param(case, id=case.name, marks=pytest.mark.xdist_group(case.name)) for case in CASES])
def case(request) -> golden.Case:
    return request.param


@pytest.fixture(scope="module")
def outcomes() -> dict[str, golden.Outcome]:
    return {}


@pytest.fixture
def outcome(case, outcomes) -> golden.Outcome:
    if case.name not in outcomes:
        outcomes[case.name] = golden.run(case.files)
    return outcomes[case.name]


def test_exposition_is_the_expected_one(case, outcome, pytestconfig):
    if pytestconfig.getoption("--update-golden", default=False):
        case.expected.write_text(outcome.golden)
    assert case.expected.exists(), f"no {case.expected.name}: write it with pytest tests/wire --update-golden"
    changed = golden.difference(case.expected.read_text(), outcome.golden)
    assert not changed, f"\n{changed}"


def test_everything_received_is_accounted_for(outcome):
    assert not golden.unbalanced(outcome.object_counts)


def test_both_formats_have_the_same_samples(outcome):
    text = golden.samples(outcome.text)
    openmetrics = golden.samples(outcome.openmetrics, openmetrics=True)
    assert {key: value for key, value in openmetrics.items() if not key[0].endswith("_created")} == text
    assert all(value == value for value in text.values()), "a hole was told as NaN"  # noqa: PLR0124 - NaN differs from itself


def test_promtool_is_content(outcome, promtool):
    assert not golden.lint(promtool, outcome.text)


def test_no_expected_file_is_left_over():
    expected = {case.expected for case in CASES}
    left = [file for file in FOLDER.glob("*/*.txt") if file not in expected]
    assert not left
    assert len(expected) == len(CASES), "two cases share an expected file"


def test_cases_are_small_enough_to_read():
    files = {file for case in CASES for file in (*case.files, case.expected) if file.exists()}
    assert not [file.name for file in files if file.stat().st_size > 200_000]
