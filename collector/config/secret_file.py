"""Secrets in files, read at each use so that they can be rotated while the collector runs."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from collector.redaction import hide

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_BYTES = 4096
_UTF_8_MARK = b"\xef\xbb\xbf"  # some editors write it; it is not part of the secret
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_PATH_SHOWN_CHARS = 30
_OTHERS_MAY_READ = stat.S_IROTH


class SecretProblem(Exception):  # noqa: N818 - caught by the two places that turn it into a fault
    """A secret file that cannot be used. It never contains any of the content."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(problem)


def shown(path: Path) -> str:
    """Return a path for messages; a long name without a dot is masked: it may be a secret in the wrong place."""
    text = str(path)
    masked = path.name if len(path.name) >= _PATH_SHOWN_CHARS and "." not in path.name else ""
    return text.replace(masked, masked[:2] + "***") if masked else text


def read(path: Path) -> bytes:
    """Return the secret without byte order mark and trailing line break.

    Raises:
        SecretProblem: the file is missing, empty, too large, or is not one line of text.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise SecretProblem(f"{shown(path)} is not a file", "give a regular file that contains the secret")
        with path.open("rb") as file:
            content = file.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise SecretProblem(
            f"{shown(path)} cannot be read: {error.strerror}",
            "it must exist and be readable by the user that runs the collector",
        ) from None
    return _checked(path, content)


def _checked(path: Path, content: bytes) -> bytes:
    secret = content.removeprefix(_UTF_8_MARK).rstrip(b"\r\n")
    if len(content) > LIMIT_BYTES:
        raise SecretProblem(f"{shown(path)} is over {LIMIT_BYTES} bytes", "give a file that contains only the secret")
    if content.startswith(_UTF_16_MARKS):
        raise SecretProblem(f"{shown(path)} is UTF-16", "save it as UTF-8 (PowerShell's > writes UTF-16)")
    if not secret.strip():
        raise SecretProblem(f"{shown(path)} is empty", "write the secret into it, on one line")
    if b"\n" in secret or b"\r" in secret:
        raise SecretProblem(f"{shown(path)} contains several lines", "write one secret per file, on one line")
    if not _is_text(secret):
        raise SecretProblem(f"{shown(path)} is not text", "write one secret per file, on one line")
    return secret


def _is_text(secret: bytes) -> bool:
    try:
        return secret.decode("utf-8").isprintable()
    except UnicodeDecodeError:
        return False


def readable_by_all(path: Path) -> bool:
    """Return whether every user of the machine may read the file: a warning, not a fault."""
    try:
        return bool(path.stat().st_mode & _OTHERS_MAY_READ)
    except OSError:
        return False


class SecretFile:
    """One secret in one file. `read()` is cheap enough for every request: one small read from the page cache.

    While the file is missing or incomplete, during a rotation, the last valid secret stays in use.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last: bytes | None = None

    def __repr__(self) -> str:
        return f"SecretFile({shown(self.path)})"

    def read(self) -> bytes:
        """Return the present secret. Raises `SecretProblem` only if it was never readable."""
        try:
            self._last = read(self.path)
            hide(self._last.decode("utf-8", "replace"))
        except SecretProblem:
            if self._last is None:
                raise
        return self._last
