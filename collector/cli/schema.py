"""`mist-collector schema`: the JSON schema of the configuration file, for editors."""

from __future__ import annotations

import json

import typer


def schema() -> None:
    """Print the JSON schema of the configuration file on stdout.

    Save it and name it on the first line of the file: # yaml-language-server: $schema=mist-collector.schema.json
    """
    from collector import config  # noqa: PLC0415 - only this command needs it

    typer.echo(json.dumps(config.json_schema(), indent=2))
