"""One normal form of a position, whoever tells it: who, where in pixels or metres, when.

The fast way is one msgspec struct, made in C. What does not fit it takes the tolerant way, field by field, and gives
the same values: numbers as text, times in milliseconds or ISO text, a list of positions in one payload.
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

_LARGEST = sys.float_info.max  # keeps NaN and infinities out of objects that were parsed elsewhere
_Finite = Annotated[float, msgspec.Meta(ge=-_LARGEST, le=_LARGEST)]
_Time = Annotated[float, msgspec.Meta(ge=0, lt=1e11)]  # seconds; milliseconds take the tolerant way
_Count = Annotated[int, msgspec.Meta(ge=0, le=1000)]

NO_IDENTITY = Rejected("no_identity")
NO_POSITION = Rejected("no_position")
EMPTY = Rejected("empty")


class Position(msgspec.Struct, gc=False):
    """`seen` is Unix seconds, 0 when it does not say; `aps` and `rssi` are None when it does not say."""

    who: str
    x: _Finite
    y: _Finite
    seen: _Time = 0.0
    aps: _Count | None = None
    rssi: _Finite | None = None


def struct_of(kind: LocatedKind) -> type[Position]:
    """The struct that reads this kind's payloads the fast way: as `Position`, under the wire's names."""
    names = {"who": kind.id_field, "x": "x", "y": "y", "seen": "last_seen", "aps": "num_locating_aps", "rssi": "rssi"}
    fields = [(field.name, field.type, field.default) for field in msgspec.structs.fields(Position)]
    made = msgspec.defstruct(f"{kind.name}_position", fields, rename=names, gc=False)
    return cast("type[Position]", made)


def tolerant(kind: LocatedKind, payload: object) -> list[Position] | Rejected:
    """Read what did not fit; a list is rejected only when none of its elements is a position."""
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
    """The normal form of an object; `who` and `when` name its fields."""
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
