"""Golden cases: recorded input, and the exposition that it must give.

A case is `<folder>/<name>.<kind>` beside `<folder>/<name>.txt`, where kind is

    jsonl       stream frames, one a line as they came off the socket     } through `mist-collector replay`
    json        one webhook body                                          }
    rest.json   a list of {"object": kind, "ids": {...}, "payload": {...}}, as REST would hand them to the catalogue

One case may have several of these files (jsonl first, then json); rest.json stands alone. The first line of the
expected text is `# replay ` and the JSON that the command prints about what it received, applied and dropped. HELP
lines are left out, so that better words for a family do not change every case that has it.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from difflib import unified_diff
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from typer.testing import CliRunner

from collector.cli.main import app
from collector.feeds.router import FeedRouter
from collector.location.feed import LocationFeed
from collector.metrics.text_format import render_all

if TYPE_CHECKING:
    from pathlib import Path

INPUTS = (".jsonl", ".json")
REST = ".rest.json"


class Case(NamedTuple):
    """One case: its inputs in the order they are replayed, and where the expected text stands."""

    name: str
    files: tuple[Path, ...]
    expected: Path


class Outcome(NamedTuple):
    """What came out: both expositions, and the object counts."""

    text: str
    openmetrics: str
    object_counts: dict[str, object]

    @property
    def golden(self) -> str:
        """The content of the expected file."""
        return f"# replay {json.dumps(self.object_counts, sort_keys=True)}\n{without_help(self.text)}"


def cases(folder: Path) -> list[Case]:
    """Every case below `folder`, in the order of their names."""
    found: dict[Path, list[Path]] = {}
    for file in sorted(folder.glob("*/*.json*"), key=lambda file: (file.suffix != ".jsonl", file.name)):
        found.setdefault(file.with_name(file.name.partition(".")[0] + ".txt"), []).append(file)
    return [
        Case(f"{expected.parent.name}/{expected.stem}", tuple(files), expected)
        for expected, files in sorted(found.items())
    ]


def run(files: tuple[Path, ...]) -> Outcome:
    """Replay the files of a case."""
    if any(file.name.endswith(REST) for file in files):
        (file,) = files
        return run_rest(file)
    return replay(files)


def replay(files: tuple[Path, ...]) -> Outcome:
    """Run `mist-collector replay` in this process; its store is rendered once more, as OpenMetrics."""
    made: list[FeedRouter] = []

    def remember() -> FeedRouter:
        made.append(FeedRouter())
        return made[-1]

    with patch("collector.cli.replay.FeedRouter", remember):
        result = CliRunner().invoke(app, ["replay", *map(str, files)])
    assert result.exit_code == 0, result.exception or result.stderr
    object_counts = json.loads(result.stderr.splitlines()[-1])
    object_counts["dropped"] = dict(sorted(object_counts["dropped"].items()))
    return Outcome(result.stdout, render_all(made[0].store, openmetrics=True).decode(), object_counts)


def run_rest(file: Path) -> Outcome:
    """Hand each object to the catalogue, as the REST side does."""
    catalog = FeedRouter()
    catalog.join(LocationFeed(catalog.store, catalog.directories))
    dropped: Counter[str] = Counter()
    objects = json.loads(file.read_bytes())
    for one in objects:
        rejected = catalog.rest_object(one["object"], one["payload"], one["ids"])
        if rejected is not None:
            dropped[rejected.reason] += 1
    object_counts = {
        "received": len(objects),
        "applied": len(objects) - dropped.total(),
        "dropped": dict(sorted(dropped.items())),
    }
    return Outcome(
        render_all(catalog.store).decode(), render_all(catalog.store, openmetrics=True).decode(), object_counts
    )


def without_help(text: str) -> str:
    """The same without HELP lines."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("# HELP "))


def difference(expected: str, actual: str) -> str:
    """What changed, line by line; empty when nothing did."""
    before, after = without_help(expected).splitlines(), actual.splitlines()
    return "\n".join(unified_diff(before, after, "expected", "actual", lineterm="", n=1))


def unbalanced(object_counts: dict[str, object]) -> str:
    """Empty when received = applied + dropped."""
    dropped = sum(object_counts["dropped"].values())  # type: ignore[attr-defined]
    return (
        ""
        if object_counts["received"] == object_counts["applied"] + dropped
        else f"the object counts do not balance: {object_counts}"
    )


def samples(text: str, *, openmetrics: bool = False) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample of an exposition by name and labels, as prometheus-client reads it; a repeated series fails."""
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for family in (parse_openmetrics if openmetrics else parse_text)(text):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, f"repeated: {key}"
            found[key] = sample.value
    return found


def lint(promtool: str, text: str) -> str:
    """What `promtool check metrics` finds; empty when it is content."""
    checked = subprocess.run([promtool, "check", "metrics"], input=text.encode(), capture_output=True, check=False)
    return "" if checked.returncode == 0 else (checked.stdout + checked.stderr).decode()
