"""Commands whose options are the fields of a dataclass."""

import dataclasses

import typer
from typer.testing import CliRunner

from collector.cli.options import options_from
from collector.simulator.flags import flag


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    count: int = flag(1, "A number.", min=1)
    names: tuple[str, ...] = flag((), "Names.", name="--name")
    is_on: bool = flag(default=False, help_text="A switch.")


def run(*arguments):
    seen = []

    @options_from(Options)
    def command(options: Options) -> None:
        """Do something."""
        seen.append(options)

    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(command)
    return CliRunner().invoke(app, arguments), seen


def test_defaults():
    assert run()[1] == [Options()]


def test_values():
    assert run("--count", "3", "--name", "a", "--name", "b", "--is-on")[1] == [
        Options(count=3, names=("a", "b"), is_on=True)
    ]


def test_bounds():
    result, seen = run("--count", "0")
    assert (result.exit_code, seen) == (2, [])


def test_help():
    text = " ".join(run("--help")[0].stdout.split())
    assert "Do something." in text
    assert "A number. [default: 1; x>=1]" in text
