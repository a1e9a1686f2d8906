"""What an examination found, told as it is found: ok, warn or FAIL, and how to mend it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import typer

from collector.cli import exits
from collector.errors import Fatal

if TYPE_CHECKING:
    from collector.errors import RemoteError


class Grade(Enum):
    """How grave a finding is; the value is how it is written."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


_COLOURS = {Grade.OK: typer.colors.GREEN, Grade.WARN: typer.colors.YELLOW, Grade.FAIL: typer.colors.RED}


@dataclass(slots=True)
class Findings:
    """Tells each finding on stdout, and knows the exit code in the end."""

    failed: bool = False
    unreachable: bool = False
    warned: int = 0
    _colours: bool = False

    def __post_init__(self) -> None:
        self._colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")  # no-color.org

    def about(self, what: str) -> None:
        """Begin a part of the examination."""
        typer.echo(f"\n{what}")

    def ok(self, words: str) -> None:
        """All is well here."""
        self._tell(Grade.OK, words)

    def warn(self, words: str, remedy: str = "") -> None:
        """It works, but somebody should look."""
        self.warned += 1
        self._tell(Grade.WARN, words, remedy)

    def fail(self, words: str, remedy: str = "") -> None:
        """It does not work until somebody mends it."""
        self.failed = True
        self._tell(Grade.FAIL, words, remedy)

    def remote(self, error: RemoteError, remedy: str = "") -> None:
        """What the cloud answered: its refusal is a fault to mend, its absence may pass."""
        if isinstance(error, Fatal):
            self.fail(str(error), remedy)
            return
        self.unreachable = True
        self._tell(Grade.FAIL, str(error), remedy or "the network, a proxy, a firewall; or the cloud has trouble now")

    @property
    def code(self) -> int:
        """The exit code: 2 somebody has to act, 1 the cloud was not there, 0 well."""
        if self.failed:
            return exits.USAGE
        return exits.FAILED if self.unreachable else exits.OK

    def _tell(self, grade: Grade, words: str, remedy: str = "") -> None:
        mark = typer.style(f"{grade.value:<4}", fg=_COLOURS[grade]) if self._colours else f"{grade.value:<4}"
        typer.echo(f"  {mark}  {words}")
        if remedy:
            typer.echo(f"        -> {remedy}")
