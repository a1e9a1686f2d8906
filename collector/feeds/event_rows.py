"""Rows of webhook events: labels and values of an event, read by the rules of `catalog.events`."""

from __future__ import annotations

from array import array
from collections import Counter as Count
from typing import TYPE_CHECKING, Any, Final

from collector.catalog.event_rules import KEY, MAX_ELEMENTS, SITE_LABELS, TRANSIENT_VALUE_TTL_S, VALUE
from collector.errors import Rejected
from collector.metrics import values
from collector.metrics.compiler import ObjectKind
from collector.metrics.counter_table import OTHER, CounterTable, LabelLimiter
from collector.metrics.labels import shorten
from collector.metrics.model import Counter, Histogram, layout, width_of
from collector.metrics.row_index import RowIndex
from collector.metrics.store import NAN
from collector.mist.times import epoch_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from collector.catalog.event_rules import CounterRule, GaugeRule, LabelRule, Part
    from collector.catalog.limits import RowLimit
    from collector.metrics.row_index import ObjectRows
    from collector.metrics.store import Store

    MaxRows = Callable[[RowLimit], int]

NOT_AN_OBJECT: Final = "not_an_object"
NO_IDENTITY: Final = "no_identity"
STALE: Final = "stale"
TOO_MANY_ELEMENTS: Final = "too_many_elements"
TOO_MANY_ROWS: Final = "too_many_rows"
WRONG_CONTAINER: Final = "wrong_container"
SWEEP_STEP: Final = 200
SCAN_EVERY_S: Final = 3600.0  # for values that end after weeks


class Rejections:
    """Counts what was left out of events that were applied.

    Attributes:
        parts: Rejected parts by reason.
        labels: Label values that became `other`, by label.
    """

    def __init__(self) -> None:
        self.parts: Count[str] = Count()
        self.labels: Count[str] = Count()

    def reject(self, reason: str) -> None:
        """Count a part."""
        self.parts[reason] += 1


def dig(part: Part, path: str) -> Any:
    """Return the value at a dotted path; None if a key is missing or a value on the way is not an object."""
    if "." not in path:
        return part.get(path)
    value: Any = part
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def parts_of(event: Part, path: str, rejections: Rejections) -> Iterator[Part]:
    """Yield the event itself, or at most `MAX_ELEMENTS` elements of the list or map at `path`.

    An element inherits the org, site and time of the event unless it has its own.
    """
    if not path:
        yield event
        return
    is_map = path.endswith("}")
    elements = dig(event, path.rpartition(".")[0] if is_map else path.removesuffix("[*]"))
    if elements is None:
        return
    if not isinstance(elements, dict if is_map else list):
        rejections.reject(WRONG_CONTAINER)
        return
    inherited = {name: event[name] for name in (*SITE_LABELS, "timestamp") if name in event}
    for number, element in enumerate(elements):
        if number >= MAX_ELEMENTS:
            rejections.parts[TOO_MANY_ELEMENTS] += len(elements) - number
            return
        if isinstance(elements, dict):
            yield inherited | {KEY: element, VALUE: elements[element]}
        elif isinstance(element, dict):
            yield inherited | element
        else:
            rejections.reject(NOT_AN_OBJECT)


def text_at(part: Part, rule: LabelRule, rejections: Rejections | None = None) -> str:
    """Return the value of a label, shortened and normalized but not limited in number; "" if no field has a value.

    Args:
        part: The event or its element.
        rule: The rule of the label.
        rejections: Counts fields that are not scalars.
    """
    for path in rule.paths:
        value = dig(part, path)
        if type(value) is str and value:
            return rule.normalize(shorten(value))
        text = values.text(value)
        if isinstance(text, Rejected):
            if rejections is not None:
                rejections.reject(text.reason)
        elif text is not None and text != "":
            return rule.normalize(shorten(str(text)))
    return ""


def time_of(part: Part, fields: tuple[str, ...], rejections: Rejections | None = None) -> float | None:
    """Return the time of an event in Unix seconds, from the first field with a time; None if there is none.

    Args:
        part: The event or its element.
        fields: Paths of the fields.
        rejections: Counts values that are not times.
    """
    for path in fields:
        value = dig(part, path)
        time = epoch_s(value)
        if time is not None:
            return time
        if rejections is not None and value not in (None, "", 0):
            rejections.reject("not_a_time")
    return None


class CounterRows:
    """The rows of one `CounterRule`.

    Args:
        store: The store that exports the rows.
        rule: The rule.
        rejections: Counts what is left out.
        max_rows: Returns the limit of rows of a rule at present.
    """

    def __init__(self, store: Store, rule: CounterRule, rejections: Rejections, max_rows: MaxRows) -> None:
        self.rule = rule
        self.table = CounterTable(
            store, rule.entity, max_rows=lambda: max_rows(self.rule.max_rows), keep=len(SITE_LABELS)
        )
        self._rejections = rejections
        self._limiters = {name: LabelLimiter(one.known, unknown=one.unknown) for name, one in rule.labels.items()}
        positions = enumerate(rule.labels.items(), start=len(SITE_LABELS))
        self._transient = [(at, self._limiters[name]) for at, (name, one) in positions if one.transient]
        self._next_scan = 0.0  # monotonic
        columns = layout(rule.entity)
        self._events = [column for family, column in columns if isinstance(family, Counter) and family.path is None]
        self._sums = [(family, column) for family, column in columns if isinstance(family, Counter) and family.path]
        self._histograms = [(family, column) for family, column in columns if isinstance(family, Histogram)]

    def apply(self, part: Part, place: tuple[str, str], now: float) -> None:
        """Count an event or one of its elements.

        Args:
            part: The event or its element.
            place: Org and site as used in labels.
            now: Monotonic seconds.
        """
        if not self.rule.condition(part):
            return
        labels = self.table.admit((*place, *self._own_labels(part)))
        known = labels in self.table
        start = self.table.row(labels) * self.table.table.width
        if self._transient:
            self.table.touch(labels, now)
        cells = self.table.table.values
        for column in self._events:
            cells[start + column] += 1.0
        for family, column in self._sums:
            amount = self._amount(part, family.paths)
            if self._open(start + column, 1, known=known, present=amount is not None):
                cells[start + column] += amount or 0.0
        for histogram, column in self._histograms:
            amount = self._amount(part, histogram.reads)
            if self._open(start + column, width_of(histogram), known=known, present=amount is not None):
                self.table.observe(labels, histogram.name, self.rule.scale.of(amount or 0.0))

    def _open(self, first: int, width: int, *, known: bool, present: bool) -> bool:
        """Return whether there is a value to add. Columns of a field that no event had yet are absent, not 0."""
        cells = self.table.table.values
        if not present and not known:
            cells[first : first + width] = array("d", [NAN]) * width
        elif present and cells[first] != cells[first]:  # NaN
            cells[first : first + width] = array("d", [0.0]) * width
        return present

    def start_site(self, org_id: str, site_id: str) -> None:
        """Create the rows that start at 0 for a new site."""
        for labels in self.rule.initial_zero:
            self.table.create((org_id, site_id, *labels))

    def sweep(self, now: float) -> Iterator[int]:
        """End the rows of transient label values that no event had for `TRANSIENT_VALUE_TTL_S`."""
        if not self._transient or now < self._next_scan:
            return
        self._next_scan = now + SCAN_EVERY_S
        expired = set[tuple[str, ...]]()
        for step in self.table.unused_since(now - TRANSIENT_VALUE_TTL_S):
            expired.update(step)
            yield len(step)
        if expired:
            self.remove(expired.__contains__)

    def remove(self, matches: Callable[[tuple[str, ...]], bool]) -> None:
        """End the rows whose label values match, and release the values that no other row has."""
        ended = self.table.remove(matches)
        for at, limiter in self._transient if ended else ():
            limiter.release({labels[at] for labels in ended} - {labels[at] for labels in self.table})

    def _own_labels(self, part: Part) -> Iterator[str]:
        for (name, rule), limiter in zip(self.rule.labels.items(), self._limiters.values(), strict=True):
            text = text_at(part, rule, self._rejections)
            shown = limiter.admit(text) if text else ""
            if shown == OTHER != text:
                self._rejections.labels[name] += 1
            yield shown

    def _amount(self, part: Part, paths: tuple[str, ...]) -> float | None:
        """Return the first of these fields with a value; negative values are rejected, because a counter only grows."""
        for path in paths:
            amount = values.number(dig(part, path))
            if isinstance(amount, Rejected):
                self._rejections.reject(amount.reason)
            elif amount is not None and amount < 0:
                self._rejections.reject("negative")
            elif amount is not None:
                return amount
        return None


class GaugeRows:
    """The rows of one `GaugeRule`.

    Args:
        store: The store that exports the rows.
        rule: The rule.
        kind_name: Name of the object in the metric reference and in counters of rejected parts.
        rejections: Counts what is left out.
        max_rows: Returns the limit of rows of a rule at present.
    """

    def __init__(
        self, store: Store, rule: GaugeRule, kind_name: str, rejections: Rejections, max_rows: MaxRows
    ) -> None:
        self.rule = rule
        self._rows = RowIndex((*SITE_LABELS, *rule.labels))
        self.kind = ObjectKind(kind_name, store, self._rows, (rule.entity,))
        self._rejections = rejections
        self._max_rows = max_rows
        self._times: dict[str, float] = {}  # identity -> time of its latest event, Unix seconds

    def apply(self, part: Part, place: tuple[str, str], time: float | None, now: float) -> None:
        """Write the values of an event or one of its elements.

        Args:
            part: The event or its element.
            place: Org and site as used in labels.
            time: Time of the event in Unix seconds, None if it has none. An event older than the row is rejected.
            now: Monotonic seconds.
        """
        own = [text_at(part, one, self._rejections) for one in self.rule.labels.values()]
        labels = (*place, *own)
        identity = "\0".join(labels)
        reason = self._reason_to_reject(own or place, identity, time, place)
        if reason is not None:
            self._rejections.reject(reason)
            return
        decoded = self.kind.decode(part)
        if isinstance(decoded, Rejected):
            self._rejections.reject(decoded.reason)
            return
        self.kind.write(decoded, self.kind.object_rows(identity, labels), now)
        if time is not None:
            self._times[identity] = time

    def _reason_to_reject(
        self, own: Sequence[str], identity: str, time: float | None, place: tuple[str, str]
    ) -> str | None:
        if not any(own):
            return NO_IDENTITY
        if time is not None and time < self._times.get(identity, time):
            return STALE
        if identity not in self._rows.objects and (OTHER in place or len(self) >= self._max_rows(self.rule.max_rows)):
            return TOO_MANY_ROWS
        return None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows.objects)

    def remove(self, matches: Callable[[tuple[str, ...]], bool]) -> None:
        """End the rows whose label values match."""
        for identity in [identity for identity, rows in self._rows.objects.items() if matches(rows.labels)]:
            self._end(identity)

    def sweep(self, now: float) -> Iterator[int]:
        """End rows past their time to live."""
        identities = list(self._rows.objects)
        for first in range(0, len(identities), SWEEP_STEP):
            yield self._rows.sweep(now, identities[first : first + SWEEP_STEP], self._expired)

    def _expired(self, identity: str, _rows: ObjectRows) -> None:
        self._end(identity)

    def _end(self, identity: str) -> None:
        self._rows.remove(identity)
        self._times.pop(identity, None)


def sources_of(labels: Mapping[str, LabelRule], elements: str) -> Iterator[str]:
    """Yield the fields of these labels, as paths from the root of the event."""
    return (from_root(path, elements) for rule in labels.values() for path in rule.paths)


def from_root(path: str, elements: str) -> str:
    """Return the path of a field of an element from the root of the event; key and value of a map share one path."""
    if elements.endswith("}"):
        return f"{elements.rpartition('.')[0]}.{{key}}"
    return ".".join(filter(None, (elements, path)))
