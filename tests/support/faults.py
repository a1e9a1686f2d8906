"""Fault injection results: each test with the mark `fault` is one row of `docs/faults.md`.

::

    @pytest.mark.fault("Stream", "The server is killed and comes back", held="The other connections are not affected.")
    async def test_...(fault):
        ...
        fault.right_after(took_s, 40)                                             # seconds of the injected clock
        fault.told(found, "mist_collector_connection_breaks_total", reason="lost")  # a sample with a value above 0
        fault.logged("stream_disconnected", reason="lost")                                # a line of the log

A row states only what its test asserts. At the end of the test its row in the document must equal the result of the
run; the measured seconds may differ as long as they are within the limit. `make faults` regenerates the document.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from collector.metrics.own_families import StatusRecords
from collector.metrics.self_metrics import SelfMetrics
from collector.status import Counts
from tests.support import samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from collector.status import ConnectionStatus, RestStatus, WebhookStatus
    from tests.support.samples import Samples

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/faults.md"
SECTIONS = ("Stream", "Subscriptions", "REST", "Inventory", "Webhooks", "Scrapes", "Daemon")
_BEGINNING = """\
# Fault injection results

Each row is a test in `tests/faults/` that injects one fault, over real sockets where the fault concerns a connection.
`make faults` runs the tests and generates this page; a test fails when its row differs from its run.

- **Behaviour**: what the test asserts during and after the fault.
- **Recovery**: the time on the injected clock until the collector works correctly again, counted from the end of the
  fault, or until it detects the fault, counted from its start. The measured value is that of the run that generated
  this page; the test fails above the limit. "-": the test does not measure it.
- **Signals**: the metrics, log events and HTTP status codes by which the fault can be recognised.
"""
_HEAD = "| Fault | Behaviour | Recovery | Signals (metric, log, alert) |\n|---|---|---|---|\n"


@dataclass
class Row:
    """The result of one fault test; all parameters of one test function share a row."""

    key: str
    section: str
    fault: str
    held: str
    seen_s: float = 0.0
    allowed_s: float = 0.0
    told: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Return the row as Markdown."""
        return f"| {self.fault} | {self.held} | {self.recovery()} | {'; '.join(self.told)} |"

    def recovery(self) -> str:
        """Return the measured time and its limit, "-" if the test does not measure it."""
        return f"{self.seen_s:.3g} s, {self.limit()}" if self.allowed_s else self.limit()

    def limit(self) -> str:
        """Return the part of the cell that does not vary between runs."""
        return f"limit {self.allowed_s:g} s" if self.allowed_s else "-"


class Witness:
    """Records what a fault test reports; see the module docstring."""

    def __init__(self, row: Row, lines: Sequence[Mapping[str, Any]]) -> None:
        self.row = row
        self.lines = lines  # of the log, captured while the test runs

    def right_after(self, seconds: float, at_most: float) -> None:
        """Record the recovery time in seconds; fail if it exceeds `at_most`."""
        assert seconds <= at_most, f"recovery took {seconds:g} s; the limit is {at_most:g} s"
        self.row.seen_s = max(self.row.seen_s, seconds)
        self.row.allowed_s = at_most

    def told(self, found: Samples, name: str, *, at_least: float = 1.0, **labels: str) -> None:
        """Record a metric as a signal; its value must be `at_least` or more."""
        assert samples.total(found, name, **labels) >= at_least, f"{name}{labels} is below {at_least:g}"
        self._note(name, labels)

    def fell(self, found: Samples, name: str, **labels: str) -> None:
        """Record a metric as a signal whose value is 0, or whose series no longer exists."""
        assert samples.total(found, name, **labels) == 0, f"{name}{labels} is not 0"
        self._note(name, labels, " = 0")

    def logged(self, event: str, **facts: object) -> None:
        """Record a log event as a signal; a line with these `facts` must exist."""
        fitting = [line for line in self.lines if line.get("event") == event and facts.items() <= line.items()]
        assert fitting, f"no line {event} {facts}"
        shown = "".join(f" {key}={value}" for key, value in facts.items())
        self._add(f"log `{event}{shown}`")

    def answered(self, *statuses: int) -> None:
        """Record the HTTP status codes that the collector answered."""
        self._add("HTTP status " + ", ".join(str(status) for status in sorted(set(statuses))))

    def _note(self, name: str, labels: Mapping[str, str], more: str = "") -> None:
        pairs = ",".join(f'{key}="{value}"' for key, value in labels.items())
        self._add(f"`{name}{f'{{{pairs}}}' if pairs else ''}{more}`")

    def _add(self, text: str) -> None:
        if text not in self.row.told:
            self.row.told.append(text)


def of_status(
    *,
    connections: Sequence[ConnectionStatus] = (),
    rest: Sequence[RestStatus] = (),
    webhook: WebhookStatus | None = None,
    frames: Counts | None = None,
) -> Samples:
    """Return the collector's own metrics as /metrics exposes them for these records."""
    records = StatusRecords(
        version="test",
        to_unix=lambda seconds: seconds,
        frames=frames or Counts(),
        events={},
        connections=connections,
        rest=rest,
        webhook=webhook,
    )
    metrics = SelfMetrics(records)
    return samples.of_text(metrics.render(openmetrics=False).decode())


# The document


def rows_of_document(text: str) -> dict[str, tuple[str, str, str]]:
    """Return the rows of the document by fault: behaviour, recovery limit, signals."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 4 and cells[0] not in ("Fault", "---"):
            found[cells[0]] = (cells[1], cells[2].rpartition(", ")[2], cells[3])
    return found


def check_row(row: Row, documented: Mapping[str, tuple[str, str, str]]) -> None:
    """Fail if the document differs from this run. One of several parameters may have only a part of the signals."""
    assert row.fault in documented, f"docs/faults.md has no row '{row.fault}': run make faults"
    held, limit, told = documented[row.fault]
    assert held == row.held, "docs/faults.md states another behaviour: run make faults"
    assert limit == row.limit(), "docs/faults.md states another limit: run make faults"
    assert set(row.told) <= set(told.split("; ")), f"docs/faults.md lacks signals of {row.told}: run make faults"


def document(rows: Iterable[Row]) -> str:
    """Return the whole page."""
    merged: dict[str, Row] = {}
    for row in rows:
        known = merged.setdefault(row.key, row)
        known.seen_s, known.allowed_s = max(known.seen_s, row.seen_s), max(known.allowed_s, row.allowed_s)
        known.told = sorted({*known.told, *row.told})
    parts = [_BEGINNING, f"{len(merged)} faults.\n"]
    for section in SECTIONS:
        lines = sorted(row.line() for row in merged.values() if row.section == section)
        if lines:
            parts.append(f"## {section}\n\n{_HEAD}" + "\n".join(lines) + "\n")
    return "\n".join(parts)


# pytest


def row_of(item: Any) -> Row | None:
    """Return the empty row of a test, None for a test without the mark."""
    mark = item.get_closest_marker("fault")
    if mark is None:
        return None
    section, title = mark.args
    assert section in SECTIONS, section
    return Row(f"{item.path.name}::{item.originalname}", section, title, mark.kwargs["held"])


@pytest.fixture
def fault(request: pytest.FixtureRequest) -> Iterator[Witness]:
    """Collect what the test reports and compare it with the document."""
    row = row_of(request.node)
    assert row is not None, "mark the test: pytest.mark.fault(section, fault, held=...)"
    failed = request.session.testsfailed
    with capture_logs() as lines:
        yield Witness(row, lines)
    if request.session.testsfailed > failed:
        return
    assert row.told, "the test names no signal of the fault"
    target = request.config.getoption("--faults-to")
    if target:
        name = re.sub(r"\W+", "-", request.node.nodeid)[-150:]
        Path(target).mkdir(parents=True, exist_ok=True)
        (Path(target) / f"{name}.json").write_text(json.dumps(asdict(row)), encoding="utf-8")
    else:
        check_row(row, rows_of_document(DOCUMENT.read_text(encoding="utf-8")))


def main() -> None:
    """Write the document from the rows that a run left in the directory given as argument."""
    files = sorted(Path(sys.argv[1]).glob("*.json"))
    rows = [Row(**json.loads(file.read_text(encoding="utf-8"))) for file in files]
    DOCUMENT.write_text(document(rows), encoding="utf-8")
    print(f"{DOCUMENT.name}: {len({row.key for row in rows})} faults")  # noqa: T201 - output of a command


if __name__ == "__main__":
    main()
