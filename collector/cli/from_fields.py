"""Commands whose options are the fields of a dataclass (`collector.simulator.flags.flag`), so that each stands once."""

from __future__ import annotations

import functools
import inspect
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import typer

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import Field

S = TypeVar("S")


def taking(shape: type[S]) -> Callable[[Callable[[S], None]], Callable[..., None]]:
    """Make a function that takes a `shape` into a command that has an option for each of its fields."""
    hints = get_type_hints(shape)
    known = fields(shape)  # type: ignore[arg-type]  # a dataclass

    def decorate(function: Callable[[S], None]) -> Callable[..., None]:
        @functools.wraps(function)
        def command(**given: Any) -> None:
            function(shape(**{key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}))

        parameters = [_parameter(one, hints[one.name]) for one in known]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {one.name: one.annotation for one in parameters}
        return command

    return decorate


def _parameter(one: Field[Any], kind: Any) -> inspect.Parameter:
    more = dict(one.metadata)
    names = [more.pop("name")] if "name" in more else []
    default: object = one.default
    if get_origin(kind) is tuple:
        kind, default = list[get_args(kind)[0]], []  # type: ignore[misc]
    if "parser" in more:
        default = str(default)
    option = typer.Option(*names, **more)
    return inspect.Parameter(
        one.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option]
    )
