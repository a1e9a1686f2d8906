"""Interning: equal strings of many rows (versions, models, sites, AP addresses) are one object in memory.

`sys.intern` does that and releases a string with the last row that refers to it, except in the first releases of Python
3.12 (Ubuntu 24.04 ships one): there an interned string is immortal (python/cpython#113993), and a daemon that receives
new names for months would keep them all. On such a Python an `InternTable` is used instead. It forgets strings that
were not looked up lately; a string that is forgotten too early is only duplicated.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, AnyStr, Final, Generic

if TYPE_CHECKING:
    from collections.abc import Callable

_IMMORTAL: Final = 1 << 29  # references; an immortal object reports at least so many


class InternTable(Generic[AnyStr]):
    """Interns strings or bytes. Two generations of at most `half` entries: a full young one replaces the old one."""

    def __init__(self, half: int = 50_000) -> None:
        self._half = half
        self._young: dict[AnyStr, AnyStr] = {}
        self._old: dict[AnyStr, AnyStr] = {}

    def __len__(self) -> int:
        """Return the number of distinct entries."""
        return len(self._young.keys() | self._old.keys())

    def intern(self, text: AnyStr) -> AnyStr:
        """Return the first object that was passed of all that are equal to `text`."""
        known = self._young.get(text)
        if known is None:
            if len(self._young) >= self._half:
                self._young, self._old = {}, self._young
            known = self._young[text] = self._old.get(text, text)
        return known


def interning_function() -> Callable[[str], str]:
    """Return `sys.intern`, or the method of an `InternTable` where interned strings are immortal."""
    probe = sys.intern(f"made at run time: {id(sys)}")  # a constant of the source may be immortal on any Python
    return sys.intern if sys.getrefcount(probe) < _IMMORTAL else InternTable[str]().intern


intern_text: Final = interning_function()
