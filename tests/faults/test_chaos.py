"""One hostile account in every way at random, and hostile visitors: the other account is not disturbed."""

import pytest

from tests.hostile import chaos


@pytest.mark.e2e
@pytest.mark.parametrize("fuzz_only", [False, True], ids=["attacks", "mutations"])
def test_a_hostile_account_disturbs_no_other(fuzz_only):
    report = chaos.run(seconds=20, seed=7, hostile=3, fuzz_only=fuzz_only)
    assert report.wrong == []
    assert sum(report.attacks.values()) > report.attacks["passed"] > 0
    assert report.scrapes > 3
