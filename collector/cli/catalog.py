"""`mist-collector catalog`: every family of metrics, where it comes from, and what is left out."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collector.catalog.reference import FamilyEntry, Reference


class Format(StrEnum):
    """How the catalogue is printed."""

    JSON = "json"
    MARKDOWN = "markdown"


def catalog(
    *,
    form: Annotated[Format, typer.Option("--format", help="json for programs, markdown for people.")] = Format.MARKDOWN,
) -> None:
    """Print every family: name, type, unit, help, labels and the fields of Mist it reads; then what is not exported.

    Example: mist-collector catalog --format json | jq '.families[].name'
    """
    import orjson  # noqa: PLC0415 - imported when the command runs, so that --help is quick

    from collector.catalog.reference import reference  # noqa: PLC0415

    told = reference()
    if form is Format.JSON:
        typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    else:
        typer.echo(markdown(told))


def markdown(told: Reference) -> str:
    """The catalogue as a page."""
    lines = [
        "# Metric reference",
        "",
        "| family | type | unit | labels | meaning | read from |",
        "|---|---|---|---|---|---|",
    ]
    lines += [row(entry) for entry in told["families"]]
    lines += ["", "## Not exported", "", "| object | field | why |", "|---|---|---|"]
    lines += [f"| {e['object']} | `{e['path']}` | {e['reason']} |" for e in told["not_exported"]]
    return "\n".join(lines)


def row(entry: FamilyEntry) -> str:
    """One family as a line of the table."""
    labels = ", ".join(f"`{label}`" for label in entry["labels"])
    sources = "<br>".join(f"{source['object']}: `{source['path']}`" for source in entry["sources"])
    return f"| `{entry['name']}` | {entry['type']} | {entry['unit']} | {labels} | {entry['help']} | {sources} |"
