"""Recordings: what came from Mist, in a compressed file that `replay` reads.

A gzip of JSON lines. The first says what it is: ``{"recording": 1, "collector": "0.1.0", "anonymous": true, ...}``.
Each further line is one thing that came, `at` seconds after the beginning:

- ``{"at": 0.4, "listed": "site", "payload": {...}, "ids": {...}}``: an object of the inventory; these come first
- ``{"at": 1.5, "channel": "/sites/.../stats/devices", "data": ...}``: a frame; `data` as it came, often a JSON string
- ``{"at": 1.5, "rejected": "not_json"}``: a frame that could not be read, and why; its content is not kept
- ``{"at": 1.5, "webhook": {"topic": ..., "events": [...]}}``: a delivery
"""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Any, Self

import orjson

from collector import __version__
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

    from collector.mist.anonymous import Anonymous
    from collector.mist.envelope import StreamMessage

SUFFIX = ".jsonl.gz"
_FORMAT = 1
_LEVEL = 6


class RecordingError(UsageError):
    """A file that is no recording, or one of a later format."""


class Recorder:
    """Writes a recording; a context manager. `anonymous` replaces what names anybody, None keeps it all.

    `at` of each call: seconds since the beginning. `frames` and `deliveries` count what was written.
    """

    def __init__(self, path: Path, anonymous: Anonymous | None, *, began: float) -> None:
        self._path = path
        self._anonymous = anonymous
        self._began = began
        self._file: gzip.GzipFile | None = None
        self.frames = self.deliveries = 0

    def __enter__(self) -> Self:
        self._path.touch(mode=0o600, exist_ok=False)  # what people may not read is not written for them
        self._file = gzip.open(self._path, "wb", _LEVEL)
        head = {"recording": _FORMAT, "collector": __version__, "anonymous": self._anonymous is not None}
        self._line(head | {"began": self._began})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        if error is not None and not self.frames + self.deliveries:
            self._path.unlink(missing_ok=True)  # nothing was heard, and a second attempt wants the name

    def listed(self, one: RestObject, at: float) -> None:
        """Write an object of the inventory: it says whose site it is, and what a device is called."""
        payload: Any = one.payload
        ids: Any = one.ids
        if self._anonymous is not None:
            payload, ids = self._anonymous.payload(payload), self._anonymous.payload(ids)
        self._line({"at": round(at, 3), "listed": one.kind, "payload": payload, "ids": ids})

    def frame(self, event: StreamMessage | Rejected, at: float) -> None:
        """Write a frame as it was parsed; control frames, which say nothing of the network, are left out."""
        if isinstance(event, Rejected):
            self._line({"at": round(at, 3), "rejected": event.reason})
        elif isinstance(event, Data):
            self._line({"at": round(at, 3), **self._data(event)})
        else:
            return
        self.frames += 1

    def delivery(self, body: bytes, at: float) -> None:
        """Write a verified webhook delivery; one that cannot be read is left out."""
        delivery = parse_delivery(body)
        if isinstance(delivery, Delivery):
            events: Any = delivery.events
            if self._anonymous is not None:
                events = self._anonymous.payload(events, personal=is_personal(delivery.topic))
            self._line({"at": round(at, 3), "webhook": {"topic": delivery.topic, "events": events}})
            self.deliveries += 1

    def _data(self, event: Data) -> dict[str, object]:
        anonymous = self._anonymous
        if anonymous is None:
            return {"channel": event.channel, "data": event.payload}
        known = channels.match(event.channel)
        personal = known is None or is_personal(known.channel.carries)
        return {
            "channel": anonymous.path(event.channel),
            "data": _within(anonymous, event.payload, personal=personal),
        }

    def _line(self, content: dict[str, object]) -> None:
        if self._file is None:
            raise RuntimeError("the recorder is used outside its `with`")
        self._file.write(orjson.dumps(content) + b"\n")


def _within(anonymous: Anonymous, payload: object, *, personal: bool) -> object:
    """The payload without names; JSON in a string stays JSON in a string."""
    if not isinstance(payload, str):
        return anonymous.payload(payload, personal=personal)
    try:
        inner = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return "{"  # no text of unknown shape is kept; it is as unreadable as what came
    return orjson.dumps(anonymous.payload(inner, personal=personal)).decode()


def read(
    path: Path, at: Callable[[int], None] = lambda _position: None
) -> Iterator[Data | Rejected | RestObject | bytes]:
    """Everything in a recording, in order: inventory, frames as parsed, deliveries as bodies. Raises RecordingError.

    `at` hears again and again how many bytes of the file are read.
    """
    try:
        with path.open("rb") as packed, gzip.open(packed, "rb") as file:
            for number, line in enumerate(file):
                at(packed.tell())
                content = orjson.loads(line)
                if number == 0:
                    _check_head(path, content)
                elif "webhook" in content:
                    yield orjson.dumps(content["webhook"])
                elif "listed" in content:
                    yield RestObject(content["listed"], content["payload"], content["ids"])
                else:
                    yield (
                        Rejected(content["rejected"])
                        if "rejected" in content
                        else Data(content["channel"], content["data"])
                    )
    except EOFError:
        return  # it was cut off; what was read counts
    except (OSError, ValueError, KeyError, TypeError, zlib.error):
        raise RecordingError(f"{path} is no recording, or damaged: `mist-collector record` writes them") from None


def _check_head(path: Path, head: object) -> None:
    if not isinstance(head, dict) or head.get("recording") != _FORMAT:
        raise RecordingError(f"{path} is not a recording that this version ({__version__}) reads")
