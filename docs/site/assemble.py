# ruff: noqa: INP001 - a program, no package
"""Lays out what the site is made of: every document, and what they link to, where the links expect it.

The documents link to files of the project outside docs/, which MkDocs would not see. `make docs` runs this.
"""

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def documents() -> list[Path]:
    """Every page of the site."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def linked(page: Path) -> set[Path]:
    """The files, not pages, that a page links to; of a folder all that is in it."""
    targets = {(page.parent / link).resolve() for link in _LINK.findall(page.read_text(encoding="utf-8"))}
    files = {file for target in targets if target.is_dir() for file in target.rglob("*") if file.is_file()}
    return {target for target in targets | files if target.is_file() and target.suffix != ".md"}


def assemble(target: Path) -> None:
    """Copy all of it to `target`, which must not exist yet."""
    pages = documents()
    for file in {*pages, *(file for page in pages for file in linked(page))}:
        place = target / file.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)


if __name__ == "__main__":
    assemble(Path(sys.argv[1]))
