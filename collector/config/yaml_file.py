"""Reading the YAML text: every error becomes a `Fault` with its line; duplicate keys are errors.

Messages never repeat a line of the file, which may contain a secret.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import yaml
from yaml.reader import ReaderError

from collector.config import keypath
from collector.errors import Fault
from collector.listener.address import PATTERN as LISTEN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMIT_BYTES = 4_000_000
_QUOTED = re.compile(r"'[^'<]{2,}'")  # names that PyYAML repeats: a secret that begins with * is parsed as an alias
_MERGE = "tag:yaml.org,2002:merge"


def read(path: Path) -> tuple[object, list[Fault]]:
    """Return the document in the file at `path` and its faults; with faults the document may be None."""
    try:
        with open(path, "rb", opener=_open_nonblocking) as file:
            os.set_blocking(file.fileno(), True)
            content = file.read(LIMIT_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return None, [Fault("", f"cannot be read: {reason}", "name a readable YAML file")]
    if len(content) > LIMIT_BYTES:
        return None, [Fault("", f"is over {LIMIT_BYTES} bytes", "check that this is the configuration file")]
    try:
        return parse(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return None, [Fault("", f"byte {error.start + 1} is not UTF-8", "save the file as UTF-8 text")]


def _open_nonblocking(path: str, flags: int) -> int:
    """Open without blocking: a FIFO without a writer reads as an empty file."""
    return os.open(path, flags | os.O_NONBLOCK)


def parse(text: str) -> tuple[object, list[Fault]]:
    """Return the document in `text` and its faults: syntax, duplicate keys, an empty document, not a mapping."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        faults = [] if node is None else list(_duplicates(node, (), set()))
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return None, [_syntax(error)]
    except (RecursionError, ValueError) as error:
        # ValueError: PyYAML raises it for impossible dates and numbers such as 2023-13-45.
        detail = (
            "is nested too deeply"
            if isinstance(error, RecursionError)
            else f"contains a value that YAML cannot parse: {error}"
        )
        return None, [Fault("", detail, "quote text")]
    if document is None:
        return None, [*faults, Fault("", "is empty", "it needs at least: accounts")]
    if not isinstance(document, dict):
        kind = "a list" if isinstance(document, list) else "a single value"
        return None, [*faults, Fault("", f"contains {kind}, not a mapping", "begin with accounts:")]
    return document, faults


def _duplicates(node: yaml.Node, path: keypath.Path, seen: set[int]) -> Iterator[Fault]:
    """Yield a fault for each duplicate key of a mapping: YAML would silently keep the last."""
    if id(node) in seen:  # an alias: the faults are reported at its anchor
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _duplicates(item, (*path, index), seen)
    if isinstance(node, yaml.MappingNode):
        first: dict[str, int] = {}
        for key, value in node.value:
            name = str(key.value)
            here = (*path, name)
            line = key.start_mark.line + 1
            if name in first and key.tag != _MERGE:
                yield Fault(keypath.text(here), f"is set twice, in line {first[name]} and in line {line}", "keep one")
            first.setdefault(name, line)
            yield from _duplicates(value, here, seen)


def _syntax(error: yaml.YAMLError) -> Fault:
    if isinstance(error, ReaderError):  # NUL bytes, UTF-16, a binary file
        place = f"character {error.position + 1} is not text (code {error.character})"
        return Fault("", place, "save the file as plain text in UTF-8")
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or "is not YAML")
    if "\\t" in problem:
        problem, remedy = "a tab is used for indentation", "indent with spaces only"
    elif "expected a single document" in str(getattr(error, "context", "")):
        problem, remedy = "contains several documents", "keep one and remove the --- lines"
    elif "could not determine a constructor" in problem:
        problem, remedy = "contains a YAML tag (!name)", "use plain values"
    else:
        remedy = "check indentation, colons and quotes there and in the line above"
    problem = _QUOTED.sub("'...'", problem)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    return Fault("", f"{where}{problem}", remedy)


def scalar_or_yaml(text: str) -> Any:
    """Return the value of an environment override: a list or mapping in YAML, otherwise the text itself.

    Text is not parsed because a name such as `1234` or `no` must stay text; the model parses numbers and booleans.
    `[::]:9733` is an address, not a list. Raises yaml.YAMLError.
    """
    if re.match(LISTEN, text.strip()):
        return text.strip()
    if text.lstrip()[:1] in ("[", "{") or "\n" in text.strip():
        return yaml.safe_load(text)
    return None if text.strip() in ("", "~", "null") else text
