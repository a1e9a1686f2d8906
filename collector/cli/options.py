"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CONFIG_VARIABLE = "MIST_COLLECTOR_CONFIG"

ConfigFile = Annotated[
    Path,
    typer.Option("--config", "-c", metavar="FILE", envvar=CONFIG_VARIABLE, help="The configuration file (YAML)."),
]
Account = Annotated[
    str | None, typer.Option("--account", metavar="NAME", help="Only this account of the configuration.")
]
