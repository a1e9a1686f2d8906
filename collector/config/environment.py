"""Overrides from the environment: `MIST_COLLECTOR__SERVER__LISTEN=127.0.0.1:9733`.

Two underscores separate keys. A list takes an index (`MIST_COLLECTOR__ACCOUNTS__0__TOKEN_FILE=...`; one past the end
appends) or a whole YAML value (`MIST_COLLECTOR__ACCOUNTS__0__ORGS='[...]'`).
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import yaml

from collector.config import keypath, yaml_file
from collector.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "MIST_COLLECTOR__"


def override(
    document: dict[Any, Any], environ: Mapping[str, str]
) -> tuple[dict[Any, Any], dict[keypath.Path, str], list[Fault]]:
    """Apply the overrides.

    Returns:
        A copy of `document` with the overrides, the variable that set each path, and the faults.
    """
    merged = copy.deepcopy(document)
    origins: dict[keypath.Path, str] = {}
    faults: list[Fault] = []
    paths = {_path(name): name for name in environ if name.startswith(PREFIX)}
    for path in sorted(paths, key=_order):
        name = paths[path]
        try:
            _put(merged, path, yaml_file.scalar_or_yaml(environ[name]))
            origins[path] = name
        except (yaml.YAMLError, ValueError, RecursionError):  # impossible dates, deep nesting
            faults.append(
                Fault(keypath.text(path), f"the value of {name} is not valid YAML", "check quotes and brackets")
            )
        except LookupError as error:
            faults.append(Fault(keypath.text(path), f"{name} cannot be applied: {error.args[0]}", _USAGE))
    return merged, origins, faults


_USAGE = f"for instance {PREFIX}SERVER__LISTEN, {PREFIX}ACCOUNTS__0__TOKEN_FILE"


def _path(name: str) -> keypath.Path:
    keys = name.removeprefix(PREFIX).lower().split("__")
    return tuple(int(key) if key.isdecimal() else key for key in keys)


def _order(path: keypath.Path) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key: outer keys before inner ones, index 2 before index 10."""
    return tuple((0, key, "") if isinstance(key, int) else (1, 0, key) for key in path)


def _put(document: dict[Any, Any], path: keypath.Path, value: object) -> None:
    """Set one value, creating mappings and list entries along the path. Raises LookupError with the reason."""
    if "" in path:
        raise LookupError("a key is empty")
    place: Any = document
    for depth, key in enumerate(path):
        last = depth == len(path) - 1
        fresh: object = value if last else ([] if isinstance(path[depth + 1], int) else {})
        place = _step(place, key, fresh, replace=last)


def _step(place: Any, key: keypath.Key, fresh: object, *, replace: bool) -> Any:
    if isinstance(key, int):
        if not isinstance(place, list):
            raise LookupError(f"{key} is the index of a list, but there is none")  # noqa: TRY004 - one kind, caught above
        if key > len(place):
            raise LookupError(f"the next free index of this list is {len(place)}")
        if key == len(place):
            place.append(fresh)
        elif replace or place[key] is None:
            place[key] = fresh
        return place[key]
    if not isinstance(place, dict):
        raise LookupError(f"'{key}' is a key, but there is no mapping")  # noqa: TRY004 - as above
    if replace or place.get(key) is None:
        place[key] = fresh
    return place[key]
