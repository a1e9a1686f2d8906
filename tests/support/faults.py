"""The register of faults: each test that carries the mark `fault` is a row of `docs/faults.md`.

::

    @pytest.mark.fault("The stream", "The server dies and comes back", held="One connection; nobody else is touched.")
    async def test_...(fault):
        ...
        fault.right_after(took_s, 40)                                             # seconds of the injected clock
        fault.told(found, "mist_collector_connection_breaks_total", reason="lost")  # a sample that is there, above 0
        fault.logged("stream_broken", reason="lost")                                # a line that was written

A row says only what its test has seen. When the test ends, its row in the document must be the one that the run gave;
the seconds seen may vary below what is allowed. `make faults` writes the document anew.
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

from collector.metrics.self_metrics import SelfMetrics
from collector.status import Counts
from tests.support import samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from collector.status import ConnectionStatus, RestStatus, WebhookStatus
    from tests.support.samples import Samples

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/faults.md"
SECTIONS = ("The stream", "Subscriptions", "REST", "The inventory", "Webhooks", "Scrapes", "The daemon")
_BEGINNING = """\
# Faults

What was done to the collector, what held meanwhile, how soon everything was right again, and what told the operator.
Each row is a test in `tests/faults/` that plays the fault over real sockets; `make faults` writes this page from
their runs, and a row that no longer agrees with its run fails the tests. Seconds are those of an injected clock: *seen*
in the run that wrote this page, *allowed* by the test. "at once" means without any time passing.
"""
_HEAD = "| Fault | What held | Right again | Told by |\n|---|---|---|---|\n"


@dataclass
class Row:
    """One fault as its test saw it; the tests of one function share a row."""

    key: str
    section: str
    fault: str
    held: str
    seen_s: float = 0.0
    allowed_s: float = 0.0
    told: list[str] = field(default_factory=list)

    def line(self) -> str:
        """The row in the document."""
        again = f"{self.seen_s:.3g} s seen, {self.allowed_s:g} s allowed" if self.allowed_s else "at once"
        return f"| {self.fault} | {self.held} | {again} | {'; '.join(self.told)} |"


class Witness:
    """What a fault test reports; see the module."""

    def __init__(self, row: Row, lines: Sequence[Mapping[str, Any]]) -> None:
        self.row = row
        self.lines = lines  # of the log, as they are written

    def right_after(self, seconds: float, at_most: float) -> None:
        """Everything was right again so many seconds after the fault ended (or began, where it lasts)."""
        assert seconds <= at_most, f"right again only after {seconds:g} s; {at_most:g} s are allowed"
        self.row.seen_s = max(self.row.seen_s, seconds)
        self.row.allowed_s = at_most

    def told(self, found: Samples, name: str, *, at_least: float = 1.0, **labels: str) -> None:
        """/metrics told of it."""
        assert samples.total(found, name, **labels) >= at_least, f"{name}{labels} did not tell"
        self._note(name, labels)

    def fell(self, found: Samples, name: str, **labels: str) -> None:
        """/metrics told of it by a value that is 0, or by a series that is no more."""
        assert samples.total(found, name, **labels) == 0, f"{name}{labels} did not tell"
        self._note(name, labels, " = 0")

    def logged(self, event: str, **facts: object) -> None:
        """The log told of it, by a line that `facts` fit."""
        fitting = [line for line in self.lines if line.get("event") == event and facts.items() <= line.items()]
        assert fitting, f"no line {event} {facts}"
        shown = "".join(f" {key}={value}" for key, value in facts.items())
        self._add(f"log `{event}{shown}`")

    def answered(self, *statuses: int) -> None:
        """The other side was told by these HTTP statuses."""
        self._add("answer " + ", ".join(str(status) for status in sorted(set(statuses))))

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
    """The collector's own metrics as /metrics shows them of these records."""
    metrics = SelfMetrics(
        version="test",
        to_unix=lambda seconds: seconds,
        frames=frames or Counts(),
        events={},
        connections=connections,
        rest=rest,
        webhook=webhook,
        rejected_parts=dict,
        refused_labels=dict,
        rows=dict,
    )
    return samples.of_text(metrics.render(openmetrics=False).decode())


# The document


def rows_of_document(text: str) -> dict[str, tuple[str, str, str]]:
    """What the document says, by fault: what held, the time allowed, what told."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 4 and cells[0] not in ("Fault", "---"):
            found[cells[0]] = (cells[1], cells[2].rpartition(", ")[2], cells[3])
    return found


def check_row(row: Row, documented: Mapping[str, tuple[str, str, str]]) -> None:
    """Fail when the document says otherwise than this run. One of several parameters may have told a part only."""
    assert row.fault in documented, f"docs/faults.md does not know '{row.fault}': make faults"
    held, allowed, told = documented[row.fault]
    assert held == row.held, "docs/faults.md tells otherwise what held: make faults"
    assert allowed == (f"{row.allowed_s:g} s allowed" if row.allowed_s else "at once"), "make faults"
    assert set(row.told) <= set(told.split("; ")), f"docs/faults.md names other signs than {row.told}: make faults"


def document(rows: Iterable[Row]) -> str:
    """The whole page."""
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
    """The empty row of a test, None when it is none of the register."""
    mark = item.get_closest_marker("fault")
    if mark is None:
        return None
    section, words = mark.args
    assert section in SECTIONS, section
    return Row(f"{item.path.name}::{item.originalname}", section, words, mark.kwargs["held"])


@pytest.fixture
def fault(request: pytest.FixtureRequest) -> Iterator[Witness]:
    """Take what the test has to say of its fault, and hold it against the document."""
    row = row_of(request.node)
    assert row is not None, "mark the test: pytest.mark.fault(section, fault, held=...)"
    failed = request.session.testsfailed
    with capture_logs() as lines:
        yield Witness(row, lines)
    if request.session.testsfailed > failed:
        return
    assert row.told, "nothing told the operator"
    target = request.config.getoption("--faults-to")
    if target:
        name = re.sub(r"\W+", "-", request.node.nodeid)[-150:]
        Path(target).mkdir(parents=True, exist_ok=True)
        (Path(target) / f"{name}.json").write_text(json.dumps(asdict(row)), encoding="utf-8")
    else:
        check_row(row, rows_of_document(DOCUMENT.read_text(encoding="utf-8")))


def main() -> None:
    """Write the document from the rows that a run left in the directory named."""
    files = sorted(Path(sys.argv[1]).glob("*.json"))
    rows = [Row(**json.loads(file.read_text(encoding="utf-8"))) for file in files]
    DOCUMENT.write_text(document(rows), encoding="utf-8")
    print(f"{DOCUMENT.name}: {len({row.key for row in rows})} faults")  # noqa: T201 - a command's answer


if __name__ == "__main__":
    main()
