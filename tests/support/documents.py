"""The documents, their fenced blocks, and the commands in them."""

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    path
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")])
    if path.name != "CHANGELOG.md"
]
_BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[tuple[str, str]]:
    """All fenced blocks in `language`, each with the name of its document."""
    return [
        (str(path.relative_to(ROOT)), textwrap.dedent(text))
        for path in DOCUMENTS
        for found, text in _BLOCK.findall(path.read_text(encoding="utf-8"))
        if found == language
    ]


def commands() -> list[str]:
    """Every command line of every `sh` block, once; comments and continued lines are put right."""
    lines = [line for _, text in blocks("sh") for line in text.replace("\\\n", " ").splitlines()]
    return list(dict.fromkeys(line.split(" #")[0].strip() for line in lines if line and not line.startswith("#")))
