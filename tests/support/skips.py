"""Fail a skipped test in CI: a program or package that is missing there is an error of the set-up.

A pytest plugin; `tests/conftest.py` imports its hooks.

"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import programs

if TYPE_CHECKING:
    from collections.abc import Generator

# The skips that are right in CI, too: a part of the reason, and why.
ALLOWED = {
    "root may": "file permissions do not apply to root, and CI runs as root",
    "no IPv6": "a property of the machine's network",
    "/dev/full": "a property of the operating system",
    "only Linux": "a property of the operating system",
    "this kernel does not list": "a property of the kernel's configuration",
    "no table": "a parametrised test that applies to panels of one type",
    "make grafana-schema": "npm packages, which are checked on request",
}


def is_failure(reason: str) -> bool:
    """Return whether a skip for this reason fails: in CI, unless the reason is listed in `ALLOWED`."""
    return programs.in_ci() and not any(allowed in reason for allowed in ALLOWED)


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    path, line, reason = report.longrepr if isinstance(report.longrepr, tuple) else ("?", 0, str(report.longrepr))
    if is_failure(reason):
        report.outcome = "failed"
        report.longrepr = (
            f"{path}:{line}: {reason}\nA skip fails in CI unless tests/support/skips.py allows its reason."
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the report of a skipped test into a failure."""
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the report of a skipped module into a failure."""
    report = yield
    _fail_if_skipped(report)
    return report
