"""Reading the YAML text: every complaint becomes a `Fault` with its line, and no key may stand twice.

Messages never repeat a line of the file: it may hold what should not be printed.
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
_QUOTED = re.compile(r"'[^'<]{2,}'")  # names that PyYAML repeats: a secret that begins with * reads as an alias
_MERGE = "tag:yaml.org,2002:merge"


def read(path: Path) -> tuple[object, list[Fault]]:
    """The document in the file at `path`, and what is wrong with the file. With faults the document may be None."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            os.set_blocking(file.fileno(), True)
            content = file.read(LIMIT_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return None, [Fault("", f"cannot be read: {reason}", "name a readable YAML file")]
    if len(content) > LIMIT_BYTES:
        return None, [Fault("", f"is over {LIMIT_BYTES} bytes", "this is hardly a configuration file")]
    try:
        return parse(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return None, [Fault("", f"byte {error.start + 1} is not UTF-8", "save the file as UTF-8 text")]


def _without_waiting(path: str, flags: int) -> int:
    """Open a FIFO that nobody writes into as an empty file, instead of waiting for ever."""
    return os.open(path, flags | os.O_NONBLOCK)


def parse(text: str) -> tuple[object, list[Fault]]:
    """The document in `text`, and its faults: syntax, duplicate keys, nothing at all, not a mapping."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        faults = [] if node is None else list(_duplicates(node, (), set()))
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return None, [_syntax(error)]
    except (RecursionError, ValueError) as error:
        # ValueError: PyYAML lets impossible dates and numbers through as they are, e.g. 2023-13-45.
        detail = (
            "is nested too deeply" if isinstance(error, RecursionError) else f"holds a value YAML cannot read: {error}"
        )
        return None, [Fault("", detail, "put text in quotes")]
    if document is None:
        return None, [*faults, Fault("", "is empty", "it needs at least: accounts")]
    if not isinstance(document, dict):
        kind = "a list" if isinstance(document, list) else "a single value"
        return None, [*faults, Fault("", f"holds {kind}, not a mapping of keys", "begin with accounts:")]
    return document, faults


def _duplicates(node: yaml.Node, path: keypath.Path, seen: set[int]) -> Iterator[Fault]:
    """Every key that stands twice in one mapping: YAML would silently keep the last."""
    if id(node) in seen:  # an alias: its faults are told where the anchor stands
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
                yield Fault(keypath.text(here), f"stands twice: in line {first[name]} and in line {line}", "keep one")
            first.setdefault(name, line)
            yield from _duplicates(value, here, seen)


def _syntax(error: yaml.YAMLError) -> Fault:
    if isinstance(error, ReaderError):  # NUL bytes, UTF-16, a binary file
        place = f"character {error.position + 1} is not text (code {error.character})"
        return Fault("", place, "save the file as plain text in UTF-8")
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or "is not YAML")
    if "\\t" in problem:
        problem, remedy = "a tab stands where YAML wants spaces", "indent with spaces only"
    elif "expected a single document" in str(getattr(error, "context", "")):
        problem, remedy = "holds several documents", "keep one; remove the --- lines"
    elif "could not determine a constructor" in problem:
        problem, remedy = "holds a YAML tag (!something)", "use plain values only"
    else:
        remedy = "check indentation, colons and quotes there and in the line above"
    problem = _QUOTED.sub("'...'", problem)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    return Fault("", f"{where}{problem}", remedy)


def scalar_or_yaml(text: str) -> Any:
    """The value of an environment override: a list or mapping in YAML, else the text as it stands.

    Text is left alone because a name such as `1234` or `no` must stay text; numbers and booleans are read by the
    model. `[::]:9733` is an address, not a list. Raises yaml.YAMLError.
    """
    if re.match(LISTEN, text.strip()):
        return text.strip()
    if text.lstrip()[:1] in ("[", "{") or "\n" in text.strip():
        return yaml.safe_load(text)
    return None if text.strip() in ("", "~", "null") else text
