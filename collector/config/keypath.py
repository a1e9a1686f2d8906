"""Key paths in their written form (`accounts[0].cloud`), and what the models declare about each."""

from __future__ import annotations

import difflib
import types
import typing
from functools import cache

from pydantic import BaseModel

from collector.config.model import Config

Key = str | int
Path = tuple[Key, ...]


def text(path: typing.Iterable[object]) -> str:
    """Return the written form of a path: ("accounts", 0, "cloud") gives accounts[0].cloud."""
    written = ""
    for key in path:
        if isinstance(key, int):
            written += f"[{key}]"
        else:
            written += f".{key}" if written else str(key)
    return written


def _section(annotation: object) -> type[BaseModel] | None:
    """Return the model in `X`, `list[X]` or `X | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) in (list, typing.Union, types.UnionType, typing.Annotated):
        for argument in typing.get_args(annotation):
            found = _section(argument)
            if found is not None:
                return found
    return None


def section_at(path: Path) -> type[BaseModel] | None:
    """Return the model of the mapping at `path`; None where no mapping is allowed."""
    section: type[BaseModel] | None = Config
    for key in path:
        if section is None:
            return None
        if isinstance(key, str):
            field = section.model_fields.get(key)
            section = _section(field.annotation) if field else None
    return section


@cache
def known_paths() -> tuple[str, ...]:
    """Return every key of the file in the form `accounts[].cloud`."""
    return tuple(_walk(Config, ""))


def _walk(section: type[BaseModel], prefix: str) -> typing.Iterator[str]:
    for name, field in section.model_fields.items():
        here = f"{prefix}{name}"
        yield here
        inner = _section(field.annotation)
        if inner is not None:
            in_list = typing.get_origin(field.annotation) is list
            yield from _walk(inner, f"{here}{'[]' if in_list else ''}.")


def allowed(path: Path) -> str:
    """Return the keys of the mapping at `path` as one line."""
    section = section_at(path)
    return ", ".join(section.model_fields) if section else ""


def suggestion(path: Path) -> str:
    """Return which key an unknown one probably means, and which are allowed there."""
    section = section_at(path[:-1])
    siblings = list(section.model_fields) if section else []
    wanted = str(path[-1]).lower().replace("-", "_")
    near = difflib.get_close_matches(wanted, siblings, n=1, cutoff=0.6)
    elsewhere = [known for known in known_paths() if known.rpartition(".")[2] == wanted]
    if elsewhere and wanted not in near:
        return f"there is {' and '.join(elsewhere[:3])}"
    if near:
        return f"did you mean {text((*path[:-1], near[0]))}?"
    return f"allowed here: {', '.join(siblings)}"
