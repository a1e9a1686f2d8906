"""Normalizes events of all inputs to `collector.event.Event`, and passes them to one subscriber.

Feeds emit an event after signature verification, deduplication and shard check. Without a subscriber nothing is built.
The text of an event is made of its fields only, so that a later step can replace personal data in one place: between
`flatten` and `_text`.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from collector.catalog.event_texts import (
    CAUSES,
    CRITICAL_DOWN,
    DEFAULT_TEXT,
    DEVICE_LISTS,
    DEVICE_NAMES,
    ID_FIELDS,
    NAME_FIELDS,
    SEVERITIES,
    TEXTS,
    TYPE_NAMES,
    UNKNOWN_NAMES,
    WARNING_ENDINGS,
    TypeText,
)
from collector.catalog.events import DEVICE_TYPES, OTHER_TOPIC, TABLES
from collector.event import COLLECTOR, Event
from collector.feeds.event_places import ORG_FIELDS, SITE_FIELDS, first_text
from collector.feeds.event_rows import Rejections, parts_of, text_at, time_of
from collector.feeds.event_text import Template, clean, in_words
from collector.metrics.labels import shorten
from collector.mist.channels import fits
from collector.mist.identity import NIL_ID, mac_of
from collector.mist.topics import event_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from collector.catalog.event_rules import Part, TopicTable
    from collector.catalog.event_texts import TopicText
    from collector.error_log import ErrorLog
    from collector.event import OnEvent, Scalar, Severity, Source, Status
    from collector.mist.directories import Directories

MAX_FIELDS: Final = 200
MAX_FIELD_CHARS: Final = 1000
MAX_KEY_CHARS: Final = 100
MAX_DEPTH: Final = 6
MAX_VISITED: Final = 2000  # values of a payload, with and without a scalar
MAX_NAME_CHARS: Final = 200
EDGE_ID: Final = "mxedge_id"  # a UUID, for some Mist Edges without their MAC address
_INT64: Final = 2**63
_TIME_FIELDS: Final = ("detail.timestamp", "timestamp")  # of change events


class EventEmitter:
    """Builds events and passes them to the subscriber. An exception is logged and counted, and never raised.

    Args:
        on_event: The subscriber; None for none.
        directories: The inventories, for names.
        name_of: Returns the name of a map or zone: (kind, ID) -> name, "" if unknown.
        unix_time: Returns the time in Unix seconds, for events of the stream and findings.
        error_log: Logs unexpected exceptions.

    Attributes:
        errors: Unexpected exceptions.
    """

    def __init__(
        self,
        on_event: OnEvent | None,
        directories: Directories,
        *,
        name_of: Callable[[str, str], str],
        unix_time: Callable[[], float],
        error_log: ErrorLog,
    ) -> None:
        self._on_event = on_event
        self._directories = directories
        self._name_of = name_of
        self._unix_time = unix_time
        self._error_log = error_log
        self._topics = {name: TopicTexts(text) for name, text in TEXTS.items()}
        self._default = TopicTexts(DEFAULT_TEXT)
        self.errors = 0

    # Inputs

    def webhook(self, topic: str, payload: dict[str, Any], unix: float) -> None:
        """Emit an event of a webhook topic, known or not; for a topic with elements, one event per element.

        Args:
            topic: The topic as delivered.
            payload: The event.
            unix: Time of receipt in Unix seconds.
        """
        if self._on_event is None:
            return
        try:
            self._publish(self._of_webhook(topic, payload, unix))
        except Exception as error:  # noqa: BLE001 - a bug here must not cost the metrics of the event
            self._failed(error)

    def of_webhook(self, topic: str, payload: dict[str, Any], unix: float) -> list[Event]:
        """Return the events that `webhook` emits, for a caller that passes them on itself."""
        try:
            return list(self._of_webhook(topic, payload, unix))
        except Exception as error:  # noqa: BLE001 - as above
            self._failed(error)
            return []

    def change(self, topic: str, payload: dict[str, Any], place: tuple[str, str], content: bytes) -> None:
        """Emit an event of a change channel.

        Args:
            topic: What the channel carries.
            payload: The event.
            place: Org and site of the event.
            content: What identifies the event, besides its time.
        """
        if self._on_event is None:
            return
        try:
            now = self._unix_time()
            time = time_of(payload, _TIME_FIELDS) or now
            identity = hexdigest(topic.encode(), content, repr(time).encode())
            type_ = shorten(first_text(payload, ("event_type",)))
            self._publish([self._build(topic, type_, payload, place, "stream", identity=identity, times=(time, now))])
        except Exception as error:  # noqa: BLE001 - as above
            self._failed(error)

    def device_state(self, labels: tuple[str, ...], *, up: bool, cause: str) -> None:
        """Emit that a device is up or down, which the collector found.

        Args:
            labels: Org, site, MAC address and type of the device.
            up: Whether it is up.
            cause: The source of the state, see `event_texts.CAUSES`.
        """
        if self._on_event is None:
            return
        try:
            org_id, site_id, mac, kind = labels
            now, type_ = self._unix_time(), "device_up" if up else "device_down"
            identity = hexdigest(type_.encode(), mac.encode(), repr(now).encode())
            payload = {"type": type_, "mac": mac, "device_type": kind, "cause": CAUSES.get(cause, cause)}
            place, times = (org_id, site_id), (now, now)
            event = self._build(COLLECTOR, type_, payload, place, COLLECTOR, identity=identity, times=times)
            self._publish([event])
        except Exception as error:  # noqa: BLE001 - as above
            self._failed(error)

    def _publish(self, events: Iterable[Event]) -> None:
        assert self._on_event is not None  # noqa: S101 - checked by the callers
        for event in events:
            self._on_event(event)

    def _failed(self, error: Exception) -> None:
        self.errors += 1
        self._error_log.log("event_failed", error)

    # Normalization

    def _of_webhook(self, topic: str, payload: dict[str, Any], unix: float) -> Iterable[Event]:
        table = TABLES.get(topic, OTHER_TOPIC)
        topic = topic if topic in TABLES else utf8(shorten(topic))
        identity = event_id(topic, payload)
        elements = list(parts_of(payload, table.elements, Rejections())) if table.elements else []
        if not elements:
            yield self._of_part(topic, table, payload, payload, unix=unix, identity=identity)
            return
        outer = {"site_name": payload["site_name"]} if "site_name" in payload else {}
        for number, element in enumerate(elements):
            own = identity if len(elements) == 1 else hexdigest(identity.encode(), b"%d" % number)
            yield self._of_part(topic, table, {**outer, **element}, payload, unix=unix, identity=own)

    def _of_part(
        self, topic: str, table: TopicTable, part: Part, payload: Part, *, unix: float, identity: str
    ) -> Event:
        time = time_of(part, table.time_fields) or time_of(payload, table.time_fields) or unix
        return self._build(
            topic, type_of(part, table), part, self._place_of(part), "webhook", identity=identity, times=(time, unix)
        )

    def _place_of(self, part: Part) -> tuple[str, str]:
        """Return the IDs of org and site; the org of a listed site is the one in the inventory."""
        site_id, org_id = first_text(part, SITE_FIELDS), first_text(part, ORG_FIELDS)
        site = self._directories.site(site_id)
        if site is not None:
            return site.org_id, site.id
        return org_id if fits(org_id) else "", site_id if fits(site_id) and site_id != NIL_ID else ""

    def _build(
        self,
        topic: str,
        type_: str,
        payload: Part,
        place: tuple[str, str],
        source: Source,
        *,
        identity: str,
        times: tuple[float, float],
    ) -> Event:
        texts, type_ = self._topics.get(topic, self._default), utf8(type_)
        fields = flatten(payload)
        row = texts.row_of(type_)
        site = self._directories.site(place[1]) if place[1] else None
        site_name = (site.name if site else "") or str(fields.get("site_name", ""))
        mac, name, kind = self._device(texts.topic, type_, fields)
        named = name or mac or str(fields.get(EDGE_ID, ""))
        known = {
            "device": f"{TYPE_NAMES.get(kind, kind or 'device')} {named}" if named else "",
            "site": site_name or place[1],
            "type": in_words(type_),
        }
        return Event(
            id=identity,
            time=times[0],
            received=times[1],
            topic=topic,
            source=source,
            type=type_,
            severity=severity_of(texts.topic, row, type_, fields, kind),
            status=status_of(texts.topic, row, type_, payload),
            org_id=utf8(place[0]),
            site_id=utf8(place[1]),
            site_name=utf8(site_name[:MAX_NAME_CHARS]),
            device_mac=mac,
            device_name=utf8(name[:MAX_NAME_CHARS]),
            device_type=utf8(kind),
            text=utf8(self._text(texts.template_of(type_), topic, known, fields)),
            fields=fields,
        )

    def _device(self, topic: TopicText, type_: str, fields: Mapping[str, Scalar]) -> tuple[str, str, str]:
        """Return MAC address, name and type of the device of an event; "" for what is unknown."""
        mac = next((mac for path in topic.devices if (mac := mac_of(fields.get(path)))), "")
        device = self._directories.device(mac) if mac else None
        name = (device.name if device is not None else "") or name_in(topic, fields)
        if not mac and not name and EDGE_ID not in fields:
            return "", "", ""
        return mac, name, (device.type if device is not None else "") or type_in(topic, type_, fields)

    def _text(self, template: Template, topic: str, known: Mapping[str, str], fields: Mapping[str, Scalar]) -> str:
        def lookup(name: str) -> Scalar:
            if name in ID_FIELDS:
                identity = str(fields.get(ID_FIELDS[name], ""))
                own = str(fields.get(NAME_FIELDS[name], ""))
                return own or (self._name_of(name, identity) if identity else "") or identity
            if name in known:
                return known[name]
            value = fields.get(name, "")
            return "" if value in UNKNOWN_NAMES else value

        text = template.render(lookup)
        if text:
            return text
        what = known["type"] or in_words(topic)
        if known["device"]:
            return clean(f"{what} on {known['device']}")
        return clean(f"{what} at {known['site']}" if known["site"] else what)


class TopicTexts:
    """The compiled texts of one topic."""

    def __init__(self, topic: TopicText) -> None:
        self.topic = topic
        self._default = Template(topic.text)
        self._templates = {type_: Template(row.text or topic.text) for type_, row in topic.types.items()}

    def row_of(self, type_: str) -> TypeText:
        """Return the row of an event type: of the type, or of the type without the prefix of the device type."""
        types = self.topic.types
        return types.get(type_) or types.get(type_.partition("_")[2]) or NO_TEXT

    def template_of(self, type_: str) -> Template:
        """Return the template of an event type."""
        return self._templates.get(type_) or self._templates.get(type_.partition("_")[2]) or self._default


NO_TEXT: Final = TypeText()


def type_of(part: Part, table: TopicTable) -> str:
    """Return the event type; "" if the topic has none, or if it must be one of a list and is not."""
    if table.type is None:
        return ""
    type_ = text_at(part, table.type)
    return type_ if table.type.unknown or type_ in table.type.known else ""


def severity_of(
    topic: TopicText, row: TypeText, type_: str, fields: Mapping[str, Scalar], device_type: str
) -> Severity:
    """Return the severity: of the type, of a field, by the ending of the type, or of the topic."""
    if type_ == "device_down" and device_type in CRITICAL_DOWN:
        return "critical"
    if row.severity is not None:
        return row.severity
    if topic.failed is not None and topic.failed(fields):
        return "warning"
    for path in topic.severities:
        stated = SEVERITIES.get(str(fields.get(path, "")).lower())
        if stated is not None:
            return stated
    return "warning" if topic.severities and type_.upper().endswith(WARNING_ENDINGS) else topic.severity


def status_of(topic: TopicText, row: TypeText, type_: str, payload: Part) -> Status:
    """Return whether the event opens or clears a condition: by its type, its status, or the ending of its type."""
    if row.status:
        return row.status
    is_open = topic.status(payload) if topic.status is not None else None
    if is_open is not None:
        return "open" if is_open else "cleared"
    ending = type_.upper()
    if topic.open and ending.endswith(topic.open):
        return "open"
    return "cleared" if topic.cleared and ending.endswith(topic.cleared) else ""


def name_in(topic: TopicText, fields: Mapping[str, Scalar]) -> str:
    """Return the name of the device in an event; "" if it has none, or only its MAC address."""
    for path in DEVICE_NAMES if topic.devices else ():
        name = fields.get(path)
        if isinstance(name, str) and name.lower() not in UNKNOWN_NAMES and not mac_of(name):
            return name
    return ""


def type_in(topic: TopicText, type_: str, fields: Mapping[str, Scalar]) -> str:
    """Return the type of the device in an event: of a field, of the event type, of the topic, or of an alarm's list."""
    stated = fields.get("device_type") or fields.get("impacted_entities.0.entity_type")
    if isinstance(stated, str) and stated not in UNKNOWN_NAMES:
        return shorten(stated)
    by_type = DEVICE_TYPES.get(type_.partition("_")[0]) or topic.device_type
    return by_type or next((kind for path, kind in DEVICE_LISTS.items() if path in fields), "")


def flatten(payload: Part) -> dict[str, Scalar]:
    """Return the scalars of a payload by dotted path, without null and empty strings.

    At most `MAX_FIELDS` fields and `MAX_DEPTH` levels; strings are cut to `MAX_FIELD_CHARS` characters.
    """
    fields: dict[str, Scalar] = {}
    budget = MAX_VISITED
    open_: list[tuple[str, Iterable[tuple[object, object]], int]] = [("", payload.items(), 1)]
    while open_:
        prefix, items, depth = open_.pop()
        inner: list[tuple[str, Iterable[tuple[object, object]], int]] = []
        for key, value in items:
            budget -= 1
            if budget < 0 or len(fields) >= MAX_FIELDS:
                return fields
            if value is None or value == "":
                continue
            path = prefix + (
                key if type(key) is str and len(key) <= MAX_KEY_CHARS and key.isascii() else clean_key(key)
            )
            if type(value) is str and len(value) <= MAX_FIELD_CHARS and value.isascii():
                fields[path] = value  # nearly every value
            elif isinstance(value, dict | list):
                if depth < MAX_DEPTH:
                    inner.append(
                        (f"{path}.", value.items() if isinstance(value, dict) else enumerate(value), depth + 1)
                    )
            else:
                fields[path] = scalar(value)
        open_ += reversed(inner)
    return fields


def clean_key(key: object) -> str:
    """Return a key, or the index of an element, as part of a path."""
    return utf8(str(key)[:MAX_KEY_CHARS])


def scalar(value: object) -> Scalar:
    """Return a scalar that every output can encode: limited in length, 64-bit, and valid UTF-8."""
    if isinstance(value, str):
        text = value if len(value) <= MAX_FIELD_CHARS else f"{value[: MAX_FIELD_CHARS - 1]}…"
        return utf8(text)
    if isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if -_INT64 <= value < _INT64 else float(value)
    return str(value)[:MAX_FIELD_CHARS]


def hexdigest(*parts: bytes) -> str:
    """Return an identity of an event, 32 hexadecimal digits."""
    return blake2b(b"\0".join(parts), digest_size=16).hexdigest()


def utf8(text: str) -> str:
    """Return the text without lone surrogates, which UTF-8 cannot encode."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
