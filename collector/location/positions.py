"""The normalized form of a position from any source: identity, coordinates in pixels or metres, time.

The fast path is one msgspec struct, decoded in C. Payloads that do not fit are parsed field by field, with the same
result: numbers as text, times in milliseconds or ISO 8601, a list of positions in one payload.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, cast

import msgspec

from collector.errors import Rejected
from collector.metrics.decoder import NOT_AN_OBJECT
from collector.metrics.values import number
from collector.mist.times import epoch_s
from collector.tolerant_json import loads

if TYPE_CHECKING:
    from collector.catalog.location import LocatedKind

_LARGEST = sys.float_info.max  # excludes NaN and infinities in objects that were parsed elsewhere
_Finite = Annotated[float, msgspec.Meta(ge=-_LARGEST, le=_LARGEST)]
_Time = Annotated[float, msgspec.Meta(ge=0, lt=1e11)]  # seconds; milliseconds take the tolerant path
_Count = Annotated[int, msgspec.Meta(ge=0, le=1000)]

NO_IDENTITY = Rejected("no_identity")
NO_POSITION = Rejected("no_position")
EMPTY = Rejected("empty")


class Position(msgspec.Struct, gc=False):
    """One position. `seen` is in Unix seconds, 0 if absent; `aps` and `rssi` are None if absent."""

    who: str
    x: _Finite
    y: _Finite
    seen: _Time = 0.0
    aps: _Count | None = None
    rssi: _Finite | None = None


def struct_of(kind: LocatedKind) -> type[Position]:
    """Return the struct that decodes payloads of this kind: a `Position` with the field names of the wire."""
    names = {"who": kind.id_field, "x": "x", "y": "y", "seen": "last_seen", "aps": "num_locating_aps", "rssi": "rssi"}
    fields = [(field.name, field.type, field.default) for field in msgspec.structs.fields(Position)]
    made = msgspec.defstruct(f"{kind.name}_position", fields, rename=names, gc=False)
    return cast("type[Position]", made)


def tolerant(kind: LocatedKind, payload: object) -> list[Position] | Rejected:
    """Parse a payload that did not fit; a list is rejected only if none of its elements is a position."""
    if isinstance(payload, str):
        payload = loads(payload)
    if isinstance(payload, Rejected):
        return payload
    if payload is None or payload == []:
        return EMPTY
    if not isinstance(payload, list):
        one = normal(payload, kind.id_field, "last_seen")
        return one if isinstance(one, Rejected) else [one]
    read = [normal(element, kind.id_field, "last_seen") for element in payload]
    good = [one for one in read if isinstance(one, Position)]
    return good or next(one for one in read if isinstance(one, Rejected))


def normal(payload: object, who: str, when: str) -> Position | Rejected:
    """Return the normalized form of an object; `who` and `when` name its fields."""
    if not isinstance(payload, dict):
        return NOT_AN_OBJECT
    name, x, y = payload.get(who), number(payload.get("x")), number(payload.get("y"))
    if not isinstance(name, str) or not name:
        return NO_IDENTITY
    if not isinstance(x, float) or not isinstance(y, float):
        return NO_POSITION
    aps, rssi = number(payload.get("num_locating_aps")), number(payload.get("rssi"))
    return Position(
        name,
        x,
        y,
        epoch_s(payload.get(when)) or 0.0,
        int(aps) if isinstance(aps, float) and aps >= 0 else None,
        rssi if isinstance(rssi, float) else None,
    )
