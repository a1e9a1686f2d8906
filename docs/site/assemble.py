# ruff: noqa: INP001 - a program, not a package
"""Copy the sources of the documentation site: every document and the files that they link to.

The documents link to files outside docs/, which MkDocs does not read. `make docs` runs this program.
"""

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def documents() -> list[Path]:
    """Return every page of the site."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def linked(page: Path) -> set[Path]:
    """Return the files other than pages that a page links to; for a folder, all files in it."""
    targets = {(page.parent / link).resolve() for link in _LINK.findall(page.read_text(encoding="utf-8"))}
    files = {file for target in targets if target.is_dir() for file in target.rglob("*") if file.is_file()}
    return {target for target in targets | files if target.is_file() and target.suffix != ".md"}


def assemble(target: Path) -> None:
    """Copy all sources to `target`, which must not exist."""
    pages = documents()
    for file in {*pages, *(file for page in pages for file in linked(page))}:
        place = target / file.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)


if __name__ == "__main__":
    assemble(Path(sys.argv[1]))
