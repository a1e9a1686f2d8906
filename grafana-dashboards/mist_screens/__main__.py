"""`make dashboards`: write the rule files and the dashboards anew."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mist_screens.layout import render
from mist_screens.rulefiles import rule_files
from mist_screens.screens import screens
from mist_screens.settings import Settings, SettingsError

HERE = Path(__file__).resolve().parents[1]


def outputs(settings: Settings) -> dict[str, str]:
    """Every file that is made, by its path from the folder of the project, with its text."""
    rules = {f"deploy/prometheus/rules/{name}": text for name, text in rule_files(settings, HERE / "rules")}
    made = {f"grafana-dashboards/dashboards/{one.name}.json": render(one, settings) for one in screens(settings)}
    return rules | made


def main(arguments: list[str] | None = None) -> int:
    """Write all files; exit code 2 for settings that make no sense."""
    parser = argparse.ArgumentParser(prog="make dashboards", description=__doc__)
    parser.add_argument("--settings", type=Path, default=HERE / "settings.yaml", help="the settings file")
    parser.add_argument("--into", type=Path, default=HERE.parent, help="the folder to write to; default: the project")
    chosen = parser.parse_args(arguments)
    try:
        files = outputs(Settings.read(chosen.settings))
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for path, text in files.items():
        file = chosen.into / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{len(files)} files\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
