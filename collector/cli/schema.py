"""`mist-collector schema`: the configuration file's shape, for editors and for people."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer


class Format(StrEnum):
    """How the shape is printed."""

    JSON = "json"
    MARKDOWN = "markdown"


def schema(
    *,
    form: Annotated[Format, typer.Option("--format", help="json for editors, markdown for people.")] = Format.JSON,
) -> None:
    """Print the JSON schema of the configuration file, or the same as a page.

    Save it and name it on the first line of the file: # yaml-language-server: $schema=mist-collector.schema.json

    Example: mist-collector schema > mist-collector.schema.json
    """
    from collector import config  # noqa: PLC0415 - only this command needs it
    from collector.cli.config_page import markdown  # noqa: PLC0415 - as above

    told = config.json_schema()
    typer.echo(json.dumps(told, indent=2) if form is Format.JSON else markdown(told))
