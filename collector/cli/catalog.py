"""`mist-collector catalog`: every family of metrics, where it comes from, and what is left out."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collector.feeds.reference import FamilyEntry, Reference


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

    from collector.feeds.reference import reference  # noqa: PLC0415

    told = reference()
    if form is Format.JSON:
        typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    else:
        typer.echo(markdown(told))


def markdown(told: Reference) -> str:
    """The catalogue as a page, with the collector's own families at its end."""
    lines = [
        "# Metric reference",
        "",
        "Made from the catalogue by `mist-collector catalog`: every family, and every field of Mist that none reads.",
        "What may change, and how it is announced, says [stability.md](stability.md).",
        "",
        "| family | type | unit | labels | meaning | read from | since |",
        "|---|---|---|---|---|---|---|",
        *(row(entry) for entry in told["families"]),
        "",
        "## The collector's own",
        "",
        "| family | type | labels | meaning |",
        "|---|---|---|---|",
        *own_rows(),
        "",
        "## Not exported",
        "",
        "| object | field | why |",
        "|---|---|---|",
        *(f"| {e['object']} | `{e['path']}` | {e['reason']} |" for e in told["not_exported"]),
    ]
    return "\n".join(lines)


def row(entry: FamilyEntry) -> str:
    """One family as a line of the table."""
    labels = ", ".join(f"`{label}`" for label in entry["labels"])
    sources = "<br>".join(f"{source['object']}: `{source['path']}`" for source in entry["sources"])
    meaning = entry["help"] + (f" Only with `{entry['option']}`." if entry["option"] else "")
    cells = (f"`{entry['name']}`", entry["type"], entry["unit"], labels, meaning, sources, entry["since"])
    return f"| {' | '.join(cells)} |"


def own_rows() -> list[str]:
    """The families that the collector tells of itself, as lines of their table."""
    from collector.metrics.self_metrics import own_families  # noqa: PLC0415 - as above

    return [
        f"| `{name}` | {type_} | {', '.join(f'`{label}`' for label in labels)} | {text} |"
        for name, type_, labels, text in own_families()
    ]
