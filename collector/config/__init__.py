"""The configuration; no other package reads it.

`load` reads a YAML file, applies overrides from the environment and returns a `Config`, or raises a `ConfigError` that
names every fault. `model.py` declares every key with its default.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic.json_schema import GenerateJsonSchema

from collector.config import checks, environment, yaml_file
from collector.config import faults as translation
from collector.config.model import (
    AccountConfig,
    Config,
    ConnectionConfig,
    InventoryConfig,
    LocationStreams,
    LogConfig,
    ServerConfig,
    SitesConfig,
    StreamsConfig,
    WebhookConfig,
)
from collector.errors import ConfigError, Fault
from collector.listener.address import ListenAddress

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AccountConfig",
    "Config",
    "ConnectionConfig",
    "InventoryConfig",
    "LocationStreams",
    "LogConfig",
    "ServerConfig",
    "SitesConfig",
    "StreamsConfig",
    "WebhookConfig",
    "json_schema",
    "load",
]


def load(path: str | Path, environ: Mapping[str, str]) -> Config:
    """Read and check the configuration file at `path`.

    Args:
        path: the YAML file.
        environ: environment variables: overrides and tokens.

    Raises:
        ConfigError: with every fault, not only the first.
    """
    path = Path(path)
    document, faults = yaml_file.read(path)
    if not isinstance(document, dict):
        raise ConfigError(str(path), faults)
    merged, origins, more = environment.override(document, environ)
    faults += more
    context: dict[str, Path | str] = {
        "base": path.absolute().parent,
        "credentials": environ.get("CREDENTIALS_DIRECTORY", ""),
    }
    config = _validated(merged, context, origins, faults)
    if config is not None:
        config.bind(environ, tuple(checks.warnings(config)))
        known = frozenset(fault.path for fault in faults)
        faults += checks.faults(config, checks.KnownFaults(known))
    if faults or config is None:
        raise ConfigError(str(path), sorted(faults, key=lambda fault: not fault.path))
    return config


def _validated(
    document: dict[Any, Any],
    context: dict[str, Path | str],
    origins: Mapping[tuple[str | int, ...], str],
    faults: list[Fault],
) -> Config | None:
    """Return the configuration, without what is faulty; add the faults to `faults`."""
    try:
        return Config.model_validate(document, context=context)
    except ValidationError as error:
        faults += translation.translate(error, origins)
        remainder = translation.without_faults(document, error)
    try:
        return Config.model_validate(remainder, context=context)
    except ValidationError:  # the rest cannot be checked further; every fault of the first pass is reported
        return None


class _Schema(GenerateJsonSchema):
    """Writes the defaults of listen addresses in the form of the file."""

    def encode_default(self, dft: Any) -> Any:
        return str(dft) if isinstance(dft, ListenAddress) else super().encode_default(dft)


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of the file, for editors (`# yaml-language-server: $schema=...`)."""
    schema = Config.model_json_schema(schema_generator=_Schema)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "mist-collector configuration"}
    return json.loads(json.dumps({**schema, **head}))  # type: ignore[no-any-return]
