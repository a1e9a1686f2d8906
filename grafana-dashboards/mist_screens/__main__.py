"""Render rule files and dashboards (`make dashboards`)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mist_screens.layout import render
from mist_screens.rulefiles import rule_files
from mist_screens.screens import dashboards
from mist_screens.settings import Settings, SettingsError

HERE = Path(__file__).resolve().parents[1]


def outputs(settings: Settings) -> dict[str, str]:
    """Return the text of every generated file, by its path relative to the project."""
    rules = {f"deploy/prometheus/rules/{name}": text for name, text in rule_files(settings, HERE / "rules")}
    rendered = {f"grafana-dashboards/dashboards/{one.name}.json": render(one, settings) for one in dashboards(settings)}
    return rules | rendered


def main(arguments: list[str] | None = None) -> int:
    """Write all files; return 2 for invalid settings."""
    parser = argparse.ArgumentParser(prog="make dashboards", description=__doc__)
    parser.add_argument("--settings", type=Path, default=HERE / "settings.yaml", help="settings file")
    parser.add_argument("--into", type=Path, default=HERE.parent, help="directory to write to (default: the project)")
    options = parser.parse_args(arguments)
    try:
        files = outputs(Settings.read(options.settings))
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for path, text in files.items():
        file = options.into / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{len(files)} files written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
