"""Recordings: messages of Mist in a compressed file, written by `record` and read by `replay`.

A gzip file of JSON lines. The first line describes the file:
``{"recording": 1, "collector": "0.1.0", "anonymous": true, "began": 1767225600.0}``. Every other line is a message;
`at` is the time since the start in seconds:

- ``{"at": 0.4, "listed": "site", "payload": {...}, "ids": {...}}``: an object of the inventory, before all others
- ``{"at": 1.5, "channel": "/sites/.../stats/devices", "data": ...}``: a frame; `data` as received, often a JSON string
- ``{"at": 1.5, "rejected": "not_json"}``: a frame that could not be parsed, and why; its content is not recorded
- ``{"at": 1.5, "webhook": {"topic": ..., "events": [...]}}``: a webhook delivery
"""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Any, Self

import orjson

from collector import __version__, redaction, tolerant_json
from collector.errors import Rejected, UsageError
from collector.ingest.rest.objects import RestObject
from collector.mist import channels
from collector.mist.anonymous import is_personal
from collector.mist.delivery import Delivery, parse_delivery
from collector.mist.envelope import Data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

    from collector.mist.anonymous import Anonymizer
    from collector.mist.envelope import StreamMessage

SUFFIX = ".jsonl.gz"
MAX_LINE_BYTES = 64 * 2**20  # twice the largest frame: JSON in a string has more characters
MAX_BYTES = 8 * 2**30  # of a recording, uncompressed
MAX_INVENTORY_BYTES = 512 * 2**20  # it is kept in memory
_FORMAT = 1
_COMPRESSION_LEVEL = 6
_UNREADABLE = "{"  # in place of a payload that is not JSON
NOT_RECORDABLE = "not_recordable"  # reason of a frame that JSON cannot represent


class RecordingError(UsageError):
    """A file is not a recording, has a later format, or exceeds a limit."""


class RecordingWriter:
    """Writes a recording; a context manager.

    Args:
        path: File to create, with mode 0600.
        anonymizer: Replaces identities; None to record payloads as received.
        began: Unix time of the start.

    Attributes:
        frames: Number of frames written.
        deliveries: Number of webhook deliveries written.
    """

    def __init__(self, path: Path, anonymizer: Anonymizer | None, *, began: float) -> None:
        self._path = path
        self._anonymizer = anonymizer
        self._began = began
        self._file: gzip.GzipFile | None = None
        self.frames = self.deliveries = 0

    def __enter__(self) -> Self:
        self._path.touch(mode=0o600, exist_ok=False)
        self._file = gzip.open(self._path, "wb", _COMPRESSION_LEVEL)
        head = {"recording": _FORMAT, "collector": __version__, "anonymous": self._anonymizer is not None}
        self._write(head | {"began": self._began})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        if error is not None and not self.frames + self.deliveries:
            self._path.unlink(missing_ok=True)  # empty, and in the way of a second attempt

    def inventory(self, item: RestObject, at: float) -> None:
        """Write an object of the inventory: sites of devices, and names."""
        payload: Any = item.payload
        ids: Any = item.ids
        if self._anonymizer is not None:
            payload, ids = self._anonymizer.payload(payload), self._anonymizer.payload(ids)
        self._write({"at": round(at, 3), "listed": item.kind, "payload": payload, "ids": ids})

    def message(self, message: StreamMessage | Rejected, at: float) -> None:
        """Write a frame; control frames are not recorded."""
        if not isinstance(message, Data | Rejected):
            return
        at = round(at, 3)
        try:
            self._write({"at": at, **self._content(message)})
        except TypeError:  # orjson: nested too deep, or an integer of more than 64 bits
            self._write({"at": at, "rejected": NOT_RECORDABLE})
        self.frames += 1

    def delivery(self, body: bytes, at: float) -> None:
        """Write a verified webhook delivery; a body that cannot be parsed is not recorded."""
        delivery = parse_delivery(body)
        if not isinstance(delivery, Delivery):
            return
        topic, events = delivery.topic, delivery.events
        if self._anonymizer is not None:
            events = self._anonymizer.payload(events, personal=is_personal(topic))
            topic = self._anonymizer.topic(topic)
        try:
            self._write({"at": round(at, 3), "webhook": {"topic": topic, "events": events}})
        except TypeError:
            return
        self.deliveries += 1

    def _content(self, message: Data | Rejected) -> dict[str, object]:
        if isinstance(message, Rejected):
            return {"rejected": message.reason}
        if self._anonymizer is None:
            return {"channel": message.channel, "data": message.payload}
        match = channels.match(message.channel)
        personal = match is None or is_personal(match.channel.carries)
        payload = _anonymized(self._anonymizer, message.payload, personal=personal)
        return {"channel": self._anonymizer.path(message.channel), "data": payload}

    def _write(self, content: dict[str, object]) -> None:
        if self._file is None:
            raise RuntimeError("the recording is not open")
        self._file.write(redaction.mask_registered(orjson.dumps(content).decode()).encode() + b"\n")


def _anonymized(anonymizer: Anonymizer, payload: object, *, personal: bool) -> object:
    """Return a payload with its identities replaced; JSON in a string stays JSON in a string."""
    if not isinstance(payload, str):
        return anonymizer.payload(payload, personal=personal)
    decoded = tolerant_json.loads(payload)
    if isinstance(decoded, Rejected):
        return _UNREADABLE
    return orjson.dumps(anonymizer.payload(decoded, personal=personal)).decode()


def read(
    path: Path, on_position: Callable[[int], None] = lambda _position: None
) -> Iterator[Data | Rejected | RestObject | bytes]:
    """Yield the content of a recording in its order: inventory, frames as parsed, bodies of webhook deliveries.

    A truncated file is read as far as possible.

    Args:
        path: The file.
        on_position: Is called with the number of compressed bytes that have been read.

    Raises:
        RecordingError: The file is not a recording, is damaged, or exceeds a limit.
    """
    inventory_bytes = 0
    for number, line in enumerate(_lines(path, on_position), start=1):
        where = f"{path}, line {number}"
        try:
            content = orjson.loads(line)
            if number == 1:
                _check_head(path, content)
                continue
            message = _parsed(content)
        except (ValueError, KeyError, TypeError):
            raise RecordingError(f"{where}: not a recording, or damaged; `mist-collector record` writes them") from None
        if isinstance(message, RestObject):
            inventory_bytes += len(line)
            if inventory_bytes > MAX_INVENTORY_BYTES:
                raise RecordingError(f"{where}: the inventory is larger than {_mib(MAX_INVENTORY_BYTES)}")
        yield message


def _lines(path: Path, on_position: Callable[[int], None]) -> Iterator[bytes]:
    total = 0
    try:
        with path.open("rb") as packed, gzip.open(packed, "rb") as file:
            while line := file.readline(MAX_LINE_BYTES + 1):
                total += len(line)
                if len(line) > MAX_LINE_BYTES:
                    raise RecordingError(f"{path}: a line is longer than {_mib(MAX_LINE_BYTES)}")
                if total > MAX_BYTES:
                    raise RecordingError(f"{path}: larger than {_mib(MAX_BYTES)} uncompressed; record a shorter time")
                on_position(packed.tell())
                yield line
    except EOFError:
        return
    except (OSError, zlib.error) as error:
        raise RecordingError(f"{path}: not a recording, or damaged ({error})") from None


def _mib(size_bytes: int) -> str:
    return f"{size_bytes // 2**20} MiB"


def _check_head(path: Path, head: object) -> None:
    if not isinstance(head, dict) or head.get("recording") != _FORMAT:
        raise RecordingError(f"{path}: not a recording that version {__version__} can read")


def _parsed(content: dict[str, Any]) -> Data | Rejected | RestObject | bytes:
    """Return the message of a line. Raises KeyError or TypeError if it is not one."""
    if "webhook" in content:
        return orjson.dumps(content["webhook"])
    if "listed" in content:
        payload, ids = content["payload"], content["ids"]
        if not isinstance(payload, dict) or not isinstance(ids, dict):
            raise TypeError
        return RestObject(str(content["listed"]), payload, {key: str(value) for key, value in ids.items()})
    if "rejected" in content:
        return Rejected(str(content["rejected"]))
    channel = content["channel"]
    if not isinstance(channel, str):
        raise TypeError
    return Data(channel, content["data"])
