"""Rule files for Prometheus: the templates of `rules/`, with the words of the settings and a runbook for each alert."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mist_screens.settings import Settings

_HEADER = """\
# Made by `make dashboards` from grafana-dashboards/rules/{name} and grafana-dashboards/settings.yaml. Change those.
"""


def rule_files(settings: Settings, templates: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every rule file, comments included."""
    for template in sorted(templates.glob("*.yml")):
        text = _with_runbooks(settings.fill(template.read_text(encoding="utf-8")), settings.runbooks)
        yaml.safe_load(text)
        yield template.name, _HEADER.format(name=template.name) + text


def _with_runbooks(text: str, runbooks: str) -> str:
    """Add to the annotations of each alert where its runbook is."""
    lines: list[str] = []
    alert = ""
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("- alert: "):
            alert = stripped.removeprefix("- alert: ")
        lines.append(line)
        if stripped == "annotations:":
            lines.append(f"          runbook_url: {runbooks}/{alert}.md")
    return "\n".join(lines) + "\n"
