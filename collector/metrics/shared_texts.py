"""Texts that are in memory once, however many rows hold the same: versions, models, sites, addresses of APs.

`sys.intern` does that and lets go of a text with the last row that has it, but not in the first releases of Python 3.12
(Ubuntu 24.04 has one): there an interned text lives as long as the process (python/cpython#113993), and a daemon that
meets new names for months would keep them all. Where it is so, a pool of our own takes its place, which forgets what
was not asked for lately: a text forgotten too early is in memory twice, no more.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, AnyStr, Final, Generic

if TYPE_CHECKING:
    from collections.abc import Callable

IMMORTAL: Final = 1 << 29  # references: no text has so many, but one that does not count them any more


class Pool(Generic[AnyStr]):
    """Two halves of at most `half` texts: when the young one is full it becomes the old one, and that is forgotten."""

    def __init__(self, half: int = 50_000) -> None:
        self._half = half
        self._young: dict[AnyStr, AnyStr] = {}
        self._old: dict[AnyStr, AnyStr] = {}

    def __len__(self) -> int:
        """Texts that it holds."""
        return len(self._young.keys() | self._old.keys())

    def share(self, text: AnyStr) -> AnyStr:
        """The text that was given first of all that are equal to this one."""
        known = self._young.get(text)
        if known is None:
            if len(self._young) >= self._half:
                self._young, self._old = {}, self._young
            known = self._young[text] = self._old.get(text, text)
        return known


def of_this_python() -> Callable[[str], str]:
    """How texts are shared here."""
    probe = sys.intern(f"made at run time: {id(sys)}")  # a constant of the source may well be immortal
    return sys.intern if sys.getrefcount(probe) < IMMORTAL else Pool[str]().share


share: Final = of_this_python()
