"""From an event to the rows that its topic's table names: labels read and bounded, counters raised, states written."""

from __future__ import annotations

from array import array
from collections import Counter as Count
from typing import TYPE_CHECKING, Any

from collector.catalog.event_rules import KEY, SITE_LABELS, TRANSIENT_VALUE_TTL_S, VALUE
from collector.errors import Rejected
from collector.metrics import values
from collector.metrics.compiler import ObjectKind
from collector.metrics.counter_table import OTHER, CounterTable, LabelLimiter
from collector.metrics.model import Counter, Histogram, layout, width_of
from collector.metrics.row_index import RowIndex
from collector.metrics.store import NAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from collector.catalog.event_rules import CounterRule, GaugeRule, LabelRule, Part
    from collector.metrics.row_index import ObjectRows
    from collector.metrics.store import Store

WRONG_CONTAINER = "wrong_container"
NO_IDENTITY = "no_identity"
TOO_MANY_ROWS = "too_many_rows"
SWEEP_STEP = 200
LOOK_EVERY_S = 3600.0  # for what ends after weeks


class Refusals:
    """The books of what was left out: parts of events by reason, label values by label."""

    def __init__(self) -> None:
        self.parts: Count[str] = Count()
        self.labels: Count[str] = Count()

    def reject(self, reason: str) -> None:
        """A part of an event otherwise applied was left out."""
        self.parts[reason] += 1


def dig(part: Part, path: str) -> Any:
    """The value at a dotted path; None when something on the way is missing or no object."""
    if "." not in path:
        return part.get(path)
    value: Any = part
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def parts_of(event: Part, each: str, refusals: Refusals) -> Iterator[Part]:
    """The event itself, or the elements at `each`, which belong where the event belongs unless they say otherwise."""
    if not each:
        yield event
        return
    path, is_map = (each.rpartition(".")[0], True) if each.endswith("}") else (each.removesuffix("[*]"), False)
    elements = dig(event, path)
    if elements is None:
        return
    if not isinstance(elements, dict if is_map else list):
        refusals.reject(WRONG_CONTAINER)
        return
    outer = {name: event[name] for name in (*SITE_LABELS, "timestamp") if name in event}
    if isinstance(elements, dict):
        yield from (outer | {KEY: key, VALUE: value} for key, value in elements.items())
        return
    for element in elements:
        if isinstance(element, dict):
            yield outer | element
        else:
            refusals.reject("not_an_object")


def text_at(part: Part, rule: LabelRule, refusals: Refusals) -> str:
    """The text of a label's field, "" when nothing is said; what is no text is counted."""
    for path in rule.paths:
        said = dig(part, path)
        if type(said) is str and said:
            return rule.normalize(said)
        text = values.text(said)
        if isinstance(text, Rejected):
            refusals.reject(text.reason)
        elif text is not None and text != "":
            return rule.normalize(str(text))
    return ""


class CounterRows:
    """The rows of one `CounterRule`."""

    def __init__(self, store: Store, rule: CounterRule, refusals: Refusals) -> None:
        self.rule = rule
        self.tally = CounterTable(store, rule.entity)
        self._refusals = refusals
        self._labels = {name: LabelLimiter(one.known, unknown=one.unknown) for name, one in rule.labels.items()}
        places = enumerate(rule.labels.items(), start=len(SITE_LABELS))
        self._passing = [(at, self._labels[name]) for at, (name, one) in places if one.transient]
        self._look_at = 0.0  # when to look for names that passed, monotonic
        columns = layout(rule.entity)
        self._events = [column for family, column in columns if isinstance(family, Counter) and family.path is None]
        self._sums = [(family, column) for family, column in columns if isinstance(family, Counter) and family.path]
        self._histograms = [(family, column) for family, column in columns if isinstance(family, Histogram)]

    def apply(self, part: Part, where: tuple[str, str], now: float) -> None:
        """Count one part of an event, at monotonic `now`."""
        if not self.rule.condition(part):
            return
        row = (*where, *self._own(part))
        known = row in self.tally
        if not known and len(self.tally) >= self.rule.max_rows:
            self._refusals.labels.update(list(self.rule.labels))
            row = (*where, *(OTHER for _ in self.rule.labels))
            known = row in self.tally
        start = self.tally.born(row) * self.tally.table.width
        if self._passing:
            self.tally.mark(row, now)
        for column in self._events:
            self.tally.table.values[start + column] += 1.0
        for family, column in self._sums:
            amount = self._amount(part, family.paths)
            if self._open(start + column, 1, known=known, said=amount is not None):
                self.tally.table.values[start + column] += amount or 0.0
        for histogram, column in self._histograms:
            amount = self._amount(part, histogram.reads)
            if self._open(start + column, width_of(histogram), known=known, said=amount is not None):
                self.tally.observe(row, histogram.name, self.rule.scale.of(amount or 0.0))

    def _open(self, first: int, width: int, *, known: bool, said: bool) -> bool:
        """Whether there is something to add; columns whose field nobody has said yet are a hole, not zero."""
        cells = self.tally.table.values
        if not said and not known:
            cells[first : first + width] = array("d", [NAN]) * width
        elif said and cells[first] != cells[first]:
            cells[first : first + width] = array("d", [0.0]) * width
        return said

    def begin(self, org_id: str, site_id: str) -> None:
        """A new site: its counters that alerts rely on begin at zero."""
        for own in self.rule.initial_zero:
            self.tally.born((org_id, site_id, *own))

    def sweep(self, now: float) -> Iterator[int]:
        """Now and then, end the rows of names that were not told for long."""
        if not self._passing or now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY_S
        over = set[tuple[str, ...]]()
        for silent in self.tally.silent(now - TRANSIENT_VALUE_TTL_S):
            over.update(silent)
            yield len(silent)
        if over:
            self.remove(over.__contains__)

    def remove(self, gone: Callable[[tuple[str, ...]], bool]) -> None:
        """End the rows whose label values are `gone`, and free the places of names that no other row has."""
        ended = self.tally.forget(gone)
        for at, bounded in self._passing if ended else ():
            bounded.release({values[at] for values in ended} - {values[at] for values in self.tally.values()})

    def _own(self, part: Part) -> Iterator[str]:
        for (name, one), bounded in zip(self.rule.labels.items(), self._labels.values(), strict=True):
            text = text_at(part, one, self._refusals)
            shown = bounded.admit(text) if text else ""
            if shown == OTHER != text:
                self._refusals.labels[name] += 1
            yield shown

    def _amount(self, part: Part, paths: tuple[str, ...]) -> float | None:
        """The first of these fields that says something; a counter cannot fall, so a negative one is left out."""
        for path in paths:
            amount = values.number(dig(part, path))
            if isinstance(amount, Rejected):
                self._refusals.reject(amount.reason)
            elif amount is not None and amount < 0:
                self._refusals.reject("negative")
            elif amount is not None:
                return amount
        return None


class GaugeRows:
    """The rows of one `GaugeRule`; `kind_name` is the object name in the reference and the count of rejected fields."""

    def __init__(self, store: Store, rule: GaugeRule, kind_name: str, refusals: Refusals) -> None:
        self.rule = rule
        self._roster = RowIndex((*SITE_LABELS, *rule.labels))
        self.kind = ObjectKind(kind_name, store, self._roster, (rule.entity,))
        self._refusals = refusals
        self._moments: dict[str, float] = {}

    def apply(self, part: Part, where: tuple[str, str], moment: float | None, now: float) -> None:
        """Write what one part of an event says, of `moment` (Unix seconds, None when it does not say)."""
        own = [text_at(part, one, self._refusals) for one in self.rule.labels.values()]
        if not any(own or where):
            self._refusals.reject(NO_IDENTITY)
            return
        labels = (*where, *own)
        identity = "\0".join(labels)
        if moment is not None and moment < self._moments.get(identity, moment):
            self._refusals.reject("stale")
            return
        if identity not in self._roster.objects and (len(self) >= self.rule.max_rows or OTHER in where):
            self._refusals.reject(TOO_MANY_ROWS)
            return
        decoded = self.kind.decode(part)
        if isinstance(decoded, Rejected):
            self._refusals.reject(decoded.reason)
            return
        self.kind.write(decoded, self.kind.object_rows(identity, labels), now)
        if moment is not None:
            self._moments[identity] = moment

    def __len__(self) -> int:
        """Rows in use."""
        return len(self._roster.objects)

    def remove(self, gone: Callable[[tuple[str, ...]], bool]) -> None:
        """End the rows whose label values are `gone`."""
        for identity in [identity for identity, place in self._roster.objects.items() if gone(place.labels)]:
            self._end(identity)

    def sweep(self, now: float) -> Iterator[int]:
        """End rows past their time to live."""
        identities = list(self._roster.objects)
        for first in range(0, len(identities), SWEEP_STEP):
            yield self._roster.sweep(now, identities[first : first + SWEEP_STEP], self._silent)

    def _silent(self, identity: str, _place: ObjectRows) -> None:
        self._end(identity)

    def _end(self, identity: str) -> None:
        self._roster.remove(identity)
        self._moments.pop(identity, None)


def sources_of(labels: Mapping[str, LabelRule], each: str) -> Iterator[str]:
    """The fields that these labels are read from, from the root of the event."""
    return (from_root(path, each) for rule in labels.values() for path in rule.paths)


def from_root(path: str, each: str) -> str:
    """A path inside `each`, from the root of the event; the key and the value of a map are the map's place."""
    if each.endswith("}"):
        return f"{each.rpartition('.')[0]}.{{key}}"
    return ".".join(filter(None, (each, path)))
