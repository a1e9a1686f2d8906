"""Templates of event texts, see `catalog.event_texts`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from collector.catalog.event_texts import ABBREVIATIONS, FORMATS, TYPE_PREFIXES

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.event import Scalar

    Lookup = Callable[[str], Scalar]

MAX_TEXT_CHARS: Final = 300
MAX_VALUE_CHARS: Final = 120  # of one value in a text
KNOWN_WORDS: Final = 2048  # types that are kept in words
_SECTION: Final = re.compile(r"\[([^\]]*)\]|([^\[]+)")
_PLACEHOLDER: Final = re.compile(r"\{([^}:]+)(?::(\w+))?\}")
_SPACE: Final = re.compile(r"\s+")


class Placeholder(NamedTuple):
    """A placeholder: names of values, the first with a value is used, and a format."""

    names: tuple[str, ...]
    format: Callable[[Scalar], str]


class TextSection(NamedTuple):
    """A part of a template; an optional one is left out if a placeholder has no value."""

    parts: tuple[str | Placeholder, ...]
    optional: bool


class Template:
    """A compiled template.

    Raises:
        KeyError: The template has an unknown format.
    """

    def __init__(self, text: str) -> None:
        self._sections = tuple(
            TextSection(tuple(_parts_of(found[1] or found[2] or "")), found[1] is not None)
            for found in _SECTION.finditer(text)
        )

    @property
    def names(self) -> set[str]:
        """The names of all placeholders."""
        parts = (part for section in self._sections for part in section.parts if isinstance(part, Placeholder))
        return {name for part in parts for name in part.names}

    def render(self, lookup: Lookup) -> str:
        """Return the text on one line; "" if a placeholder that is not optional has no value.

        Args:
            lookup: Returns the value of a name, "" for none.
        """
        texts: list[str] = []
        for section in self._sections:
            text = _render(section, lookup)
            if text is None and not section.optional:
                return ""
            texts.append(text or "")
        return clean("".join(texts))


def _parts_of(text: str) -> list[str | Placeholder]:
    parts: list[str | Placeholder] = []
    end = 0
    for found in _PLACEHOLDER.finditer(text):
        parts += [
            text[end : found.start()],
            Placeholder(tuple(found[1].split("|")), FORMATS[found[2] or "plain"]),
        ]
        end = found.end()
    return [part for part in [*parts, text[end:]] if part != ""]


def _render(section: TextSection, lookup: Lookup) -> str | None:
    texts: list[str] = []
    for part in section.parts:
        if isinstance(part, str):
            texts.append(part)
            continue
        value = next((value for name in part.names if (value := lookup(name)) != ""), "")
        if value == "":
            return None
        try:
            text = part.format(value)
        except (ValueError, OverflowError):  # not a number
            text = str(value)
        texts.append(text[:MAX_VALUE_CHARS])
    return "".join(texts)


def clean(text: str) -> str:
    """Return a text on one line, without control characters, capitalized and cut to `MAX_TEXT_CHARS`."""
    text = (
        text.strip()
        if text.isprintable()
        else _SPACE.sub(" ", "".join(c if c.isprintable() else " " for c in text)).strip()
    )
    text = text[:1].upper() + text[1:]
    return text if len(text) <= MAX_TEXT_CHARS else f"{text[: MAX_TEXT_CHARS - 1]}…"


@lru_cache(maxsize=KNOWN_WORDS)
def in_words(type_: str) -> str:
    """Return an event type such as `SW_ALARM_CHASSIS_PSU` or `rogue-ap-detected` in words."""
    bare = next((type_.removeprefix(prefix) for prefix in TYPE_PREFIXES if type_.startswith(prefix)), type_)
    words = re.split(r"[\s_-]+", bare.lower())
    if words[0] == "alarm":
        words = [*words[1:], "alarm"]
    return clean(" ".join(ABBREVIATIONS.get(word, word) for word in words))
