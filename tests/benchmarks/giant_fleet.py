"""A fleet too large to live: thousands of sites, made of one site of the simulator's under other names.

A device's message, its REST object and its entry of the inventory are templates of fixed length: to make one is to set
address, site and moment in, some microseconds of work. Nothing is kept of a device but its number.
"""

from __future__ import annotations

import re
import time
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import orjson
from websockets.frames import Frame, Opcode

from collector.simulator.fleet import Fleet, FleetPlan
from collector.simulator.fleet.primitives import AP_OUI, uuid_of
from collector.simulator.frames import FrameEncoder
from collector.simulator.rest.derived import SERVICES, DerivedData
from tests.benchmarks import traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SEED = 1
MOMENT = "moment"
_MOMENT = re.compile(rb'(\\?"(?:last_seen|_time)\\?":)\d{10}(?:\.\d{1,6})?(?!\d)')
_STAMP = b"%014.3f"


def dated(text: bytes) -> bytes:
    """The text with its moments written as long as they will be."""
    return _MOMENT.sub(rb"\g<1>" + _STAMP % 0.0, text)


class Template:
    """Bytes in which some words are set anew each time; every word is as long as the one that it stands for."""

    def __init__(self, text: bytes, words: Mapping[str, str]) -> None:
        text = dated(text)
        found = {**{word.encode(): name for name, word in words.items()}, _STAMP % 0.0: MOMENT}
        parts = re.split(b"(" + b"|".join(map(re.escape, found)) + b")", text)
        self._text = b"".join((found.get(part) and b"%b") or part.replace(b"%", b"%%") for part in parts)
        self._names = [found[part] for part in parts if part in found]
        self._pick: Callable[[Mapping[str, bytes]], Any] = itemgetter(*self._names) if self._names else lambda _: ()

    def made(self, **words: bytes) -> bytes:
        return self._text % self._pick(words)


class GiantFleet:
    """`sites` sites of `aps` access points each; a device is known by its number, from 0."""

    def __init__(self, sites: int, aps: int) -> None:
        fleet = Fleet(FleetPlan(sites=1, aps=aps, **traffic.QUIET))
        (self.org,) = fleet.orgs()
        (site,) = fleet.sites(self.org["id"])
        self.aps = aps
        self.devices = sites * aps
        self.site_ids = [uuid_of(SEED, "giant", number) for number in range(sites)]
        self._numbers = {site_id: number for number, site_id in enumerate(self.site_ids)}
        said = {one.mac: one for one in traffic.complete(traffic.step(fleet))}
        (floor,) = fleet.maps(site["id"])
        self.map_ids = [uuid_of(SEED, "giant map", number) for number in range(sites)]
        place = {"site": site["id"], "map": floor["id"], "name": site["name"]}
        entries = {entry["mac"]: entry for entry in fleet.inventory(self.org["id"])}
        words = {mac: {"mac": mac, "serial": entries[mac]["serial"], **place} for mac in said}
        maker = FrameEncoder(nested=True)
        frames = {mac: dated(maker.encode(one.channel, orjson.dumps(one.payload))) for mac, one in said.items()}
        self._frames = [
            Template(Frame(Opcode.TEXT, frame).serialize(mask=False), words[mac]) for mac, frame in frames.items()
        ]
        self._objects = [Template(orjson.dumps(told(one.payload, site)), words[mac]) for mac, one in said.items()]
        self._entries = [Template(orjson.dumps(entries[mac]), words[mac]) for mac in said]
        of_site = {
            "sites": site,
            "stats/sites": fleet.site_stats(site["id"]),
            "maps": floor,
            **{service: DerivedData(fleet).site_sles(self.org["id"], service)[0] for service in SERVICES},
        }
        self._of_site = {name: Template(orjson.dumps(row), place) for name, row in of_site.items()}
        self.frame_bytes = sum(map(len, frames.values())) / aps
        self.object_bytes = len(self.stats(0))
        self.channels = [f"/sites/{site_id}/stats/devices" for site_id in self.site_ids]

    def site_of(self, number: int) -> int:
        """The number of a device's site."""
        return number // self.aps

    def frame(self, number: int, now: float) -> bytes:
        """What the device says at unix time `now`, as it goes on the wire."""
        return self._frames[number % self.aps].made(**self._words(number), moment=_STAMP % now)

    def stats(self, number: int) -> bytes:
        """The device as `stats/devices` lists it."""
        return self._objects[number % self.aps].made(**self._words(number), moment=_STAMP % time.time())

    def entry(self, number: int) -> bytes:
        """The device as the inventory lists it."""
        return self._entries[number % self.aps].made(**self._words(number))

    def of_site(self, what: str, number: int) -> bytes:
        """The site's row of a listing: "sites", "stats/sites", "maps", or a service of which it has levels."""
        return self._of_site[what].made(**self._place_words(number), moment=_STAMP % time.time())

    def place_of(self, site_id: str) -> int:
        """The number of a site."""
        return self._numbers[site_id]

    def _words(self, number: int) -> dict[str, bytes]:
        own = {"mac": f"{AP_OUI}{number:06x}".encode(), "serial": f"A{number:011d}".encode()}
        return own | self._place_words(number // self.aps)

    def _place_words(self, number: int) -> dict[str, bytes]:
        """Of a site; its name is as long as the one of the site that all are made of."""
        name = f"Site {number:06d}".encode()
        return {"site": self.site_ids[number].encode(), "map": self.map_ids[number].encode(), "name": name}


def told(payload: dict[str, Any], site: Mapping[str, str]) -> dict[str, Any]:
    """A message as REST has it: with the ids of its place, and connected."""
    ids = {"type": "ap", "status": "connected", "org_id": site["org_id"], "site_id": site["id"]}
    return {key: value for key, value in payload.items() if not key.startswith("_")} | ids
