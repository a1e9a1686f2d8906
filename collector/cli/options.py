"""Options that several commands share, and commands whose options are the fields of a dataclass."""

from __future__ import annotations

import functools
import inspect
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import typer

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import Field

S = TypeVar("S")

CONFIG_VARIABLE = "MIST_COLLECTOR_CONFIG"

ConfigFile = Annotated[
    Path,
    typer.Option("--config", "-c", metavar="FILE", envvar=CONFIG_VARIABLE, help="Configuration file (YAML)."),
]
Account = Annotated[str | None, typer.Option("--account", metavar="NAME", help="Use only this configured account.")]


def options_from(shape: type[S]) -> Callable[[Callable[[S], None]], Callable[..., None]]:
    """Turn a function that takes a dataclass into a command with one option per field.

    Args:
        shape: A dataclass whose fields are made by `collector.simulator.flags.flag`.
    """
    hints = get_type_hints(shape)
    options = fields(shape)  # type: ignore[arg-type]  # a dataclass

    def decorate(function: Callable[[S], None]) -> Callable[..., None]:
        @functools.wraps(function)
        def command(**values: Any) -> None:
            function(
                shape(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
            )

        parameters = [_parameter(option, hints[option.name]) for option in options]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return command

    return decorate


def _parameter(option: Field[Any], type_: Any) -> inspect.Parameter:
    arguments = dict(option.metadata)
    names = [arguments.pop("name")] if "name" in arguments else []
    default: object = option.default
    if get_origin(type_) is tuple:
        type_, default = list[get_args(type_)[0]], []  # type: ignore[misc]
    if "parser" in arguments:
        default = str(default)
    annotation = Annotated[type_, typer.Option(*names, **arguments)]
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
