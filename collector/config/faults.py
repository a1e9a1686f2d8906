"""Translation of pydantic's errors into faults, and a copy of the document without them for further checks.

A value is repeated only where the type is a fixed list of words; any other value may be a secret in the wrong place.
"""

from __future__ import annotations

import copy
import difflib
from typing import TYPE_CHECKING, Any, cast

from collector.config import keypath
from collector.config.fields import InvalidValue
from collector.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

_ECHO_CHARS = 30
_MUST_BE = {
    "bool": ("must be true or false", ""),
    "int": ("must be a whole number", ""),
    "float": ("must be a number", ""),
    "finite": ("must be a finite number", ""),
    "list": ("must be a list", "write [a, b], or one entry a line after a dash"),
    "dict": ("must be a mapping of keys", ""),
}
_BOUNDS = {
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
}


def translate(error: ValidationError, origins: Mapping[keypath.Path, str]) -> list[Fault]:
    """Return one fault per error, in the order of the file; a fault names the variable that set the value, if any."""
    faults = []
    for detail in error.errors(include_url=False):
        problem, remedy = _words(detail)
        variable = _origin(detail["loc"], origins)
        faults.append(Fault(keypath.text(detail["loc"]), f"{problem}{variable}", remedy))
    return faults


def _origin(path: keypath.Path, origins: Mapping[keypath.Path, str]) -> str:
    within = [origins[path[:length]] for length in range(len(path), 0, -1) if path[:length] in origins]
    # An unknown key is set by the variable that set a key below it.
    within += [name for origin, name in origins.items() if origin[: len(path)] == path]
    return f" (set by {within[0]})" if within else ""


def _words(detail: ErrorDetails) -> tuple[str, str]:
    kind = detail["type"]
    exact = _EXACT.get(kind)
    if exact is not None:
        return exact(detail)
    if kind in _BOUNDS:
        return _BOUNDS[kind].format(**detail["ctx"]), ""
    return _MUST_BE.get(kind.partition("_")[0], (detail["msg"].lower(), ""))


def _wrong(detail: ErrorDetails) -> tuple[str, str]:
    error = detail["ctx"]["error"]
    return (error.problem, error.remedy) if isinstance(error, InvalidValue) else (str(error), "")


def _not_text(detail: ErrorDetails) -> tuple[str, str]:
    quotable = isinstance(detail["input"], bool | int | float)
    return "must be text", "put it in quotes" if quotable else ""


def _not_one_of(detail: ErrorDetails) -> tuple[str, str]:
    allowed = str(detail["ctx"]["expected"]).replace("'", "").replace(" or ", ", ")
    given = detail["input"]
    if not isinstance(given, str) or len(given) > _ECHO_CHARS:
        return "is not one of the allowed words", f"allowed: {allowed}"
    near = difflib.get_close_matches(given.lower(), allowed.split(", "), n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"'{given}' is not allowed", f"{hint}allowed: {allowed}"


_EXACT: dict[str, Callable[[ErrorDetails], tuple[str, str]]] = {
    "extra_forbidden": lambda detail: ("unknown key", keypath.suggestion(detail["loc"])),
    "invalid_key": lambda _: ("unknown key", "keys are text"),
    "model_type": lambda detail: ("must be a mapping", f"with the keys {keypath.allowed(detail['loc'])}"),
    "missing": lambda _: ("is missing", "this key is required"),
    "too_short": lambda _: ("is empty", "it needs at least one entry"),
    "value_error": _wrong,
    "string_type": _not_text,
    "literal_error": _not_one_of,
}

# Placeholders for required values that are missing or faulty, so that the other checks can run.
_PLACEHOLDER: dict[str, object] = {"accounts": [{"name": "placeholder"}], "name": "placeholder"}


def without_faults(document: dict[Any, Any], error: ValidationError) -> dict[Any, Any]:
    """Return a copy without the faulty values: defaults apply, and placeholders stand for required values."""
    copied = copy.deepcopy(document)
    # From the last to the first, so that removing a list entry does not move those still to be removed.
    for detail in reversed(error.errors(include_url=False)):
        _remove(copied, detail["loc"])
    return copied


def _remove(document: dict[Any, Any], path: keypath.Path) -> None:
    place: Any = document
    for key in path[:-1]:
        try:
            place = place[key]
        except (KeyError, IndexError, TypeError):
            return
    last = path[-1]
    if isinstance(place, list) and isinstance(last, int) and last < len(place):
        if path[:-1] == ("accounts",):
            place[last] = {"name": f"placeholder-{last}"}
        else:
            del place[last]
    elif isinstance(place, dict):
        place.pop(last, None)
        if last in _PLACEHOLDER and (len(path) == 1 or path[0] == "accounts"):
            place[last] = copy.deepcopy(cast("Any", _PLACEHOLDER[str(last)]))
