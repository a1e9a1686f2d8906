"""The section `events`: the event history and personal data in it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from collector.config.fields import FilePath, InvalidValue
from collector.config.section import Section

KEY_NAME: Final = "identities.key"
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])").fullmatch
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?i?B)").fullmatch
_BYTES: Final = {
    "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip


def parse_duration(value: object) -> float:
    """Return the seconds of `15m` or of a number of seconds. Raises InvalidValue."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return float(value)
    found = _DURATION(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise InvalidValue("is not a duration", "a number and a unit: 30m, 12h, 14d, 2w")
    return float(found[1]) * _SECONDS[found[2]]


def _size(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    found = _SIZE(value.strip()) if isinstance(value, str) else None
    if found is None or found[2] not in _BYTES:
        raise InvalidValue("is not a size", "a number and a unit: 512MiB, 1GiB, 20GB")
    return int(float(found[1]) * _BYTES[found[2]])


def _with_unit(value: float, units: Mapping[str, int]) -> str:
    """Return a duration or a size in the largest unit of which it is a multiple."""
    unit = max((unit for unit, factor in units.items() if value % factor == 0), key=units.__getitem__, default="")
    return f"{value / units[unit]:.0f}{unit}" if unit else f"{value:g}"


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    Field(allow_inf_nan=False),
    PlainSerializer(lambda value: _with_unit(value, _SECONDS), return_type=str),
    WithJsonSchema({"type": "string", "examples": ["12h", "14d"]}),
]
Size = Annotated[
    int,
    BeforeValidator(_size),
    PlainSerializer(lambda value: _with_unit(value, _BYTES), return_type=str),
    WithJsonSchema({"type": "string", "examples": ["512MiB", "1GiB"]}),
]


class HistoryConfig(Section):
    """The event history. With `path` it is a SQLite file; without, the last 20,000 events are kept in memory."""

    path: FilePath | None = None
    """The file of a durable history, such as /var/lib/mist-collector/events.db. By default the history is in memory."""
    retention: Annotated[Duration, Field(ge=60, le=10 * 366 * 86_400, json_schema_extra={"default": "14d"})] = (
        14 * 86_400.0
    )
    """Age at which events are deleted: 12h, 14d, 8w."""
    max_size: Annotated[Size, Field(ge=16 << 20, le=1 << 40, json_schema_extra={"default": "1GiB"})] = 1 << 30
    """Size of the file at which the oldest events are deleted, at least 16MiB: 512MiB, 1GiB."""
    on_error: Literal["count", "refuse"] = "count"
    """If events cannot be stored: `count` counts them and answers 200; `refuse` answers 503, so that Mist retries."""
    exclude_topics: Annotated[list[str], Field(max_length=100)] = [
        "location*",
        "asset-raw*",
        "discovered-raw-rssi",
        "filtered-asset-rssi",
        "wifi-conn-raw",
        "wifi-unconn-raw",
        "sdkclient-scan-data",
    ]
    """Topics that are not stored; names may contain the wildcards `*` and `?`. By default positions and raw scans."""


def _history(value: Any) -> Any:
    """Reject other texts than `memory` in one message, instead of one per alternative."""
    if isinstance(value, str) and value != "memory":
        raise InvalidValue("is neither a section nor memory", "write history: memory, or the keys of the section")
    return {} if value is None else value


class EventsConfig(Section):
    """Webhook events, changes and findings, which can be searched: see docs/events.md."""

    history: Annotated[Literal["memory"] | HistoryConfig, BeforeValidator(_history)] = HistoryConfig()
    """The event history: a section, or `memory`."""
    identities: Literal["hash", "keep"] = "hash"
    """MAC and IP addresses and names of clients: `hash` replaces them by keyed hashes, equal ones by equal ones."""

    @property
    def file(self) -> Path | None:
        """Path of the history; None if it is in memory."""
        return None if self.history == "memory" else self.history.path

    @property
    def key_file(self) -> Path | None:
        """Path of the key of the hashes, beside the history; None if the key is in memory, too."""
        return self.file.with_name(KEY_NAME) if self.file is not None else None

    @property
    def excluded_topics(self) -> tuple[str, ...]:
        """Patterns of topics that are not kept."""
        history = HistoryConfig() if self.history == "memory" else self.history
        return tuple(history.exclude_topics)
