"""The inventory of an account over a real socket: the REST server, the directory and everything that was handled."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from collector.ingest.rest.backfill import Backfill
from collector.ingest.rest.inventory import Inventory
from collector.mist.directory import Directory
from tests.support.rest_cloud import RestCloud, rest_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from collector.status import RestStatus

ACME = "org-acme"


@dataclass
class Sites:
    """The `sites` of an account's configuration."""

    include: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)


@dataclass
class Account:
    """An account's configuration."""

    name: str = "main"
    orgs: list[str] = field(default_factory=list)
    sites: Sites = field(default_factory=Sites)


def mac(number: int) -> str:
    """Return the MAC of a device by its number."""
    return f"5c5b35{number:06x}"


def fill(cloud: RestCloud, org_id: str = ACME, *, sites: int = 2, devices: int = 4, first: int = 0) -> None:
    """Serve an org: its sites `<org>-0..`, its devices distributed over them, and their state."""
    listed = [{"id": f"{org_id}-{number}", "name": f"Site {number}", "org_id": org_id} for number in range(sites)]
    stock = [
        {"mac": mac(first + number), "type": "ap", "site_id": f"{org_id}-{number % sites}", "connected": True}
        for number in range(devices)
    ]
    cloud.answer(f"/orgs/{org_id}", {"id": org_id, "name": org_id.title()})
    cloud.listing(f"/orgs/{org_id}/sites", listed)
    cloud.listing(f"/orgs/{org_id}/inventory", stock)
    cloud.listing(f"/orgs/{org_id}/stats/devices", [{**device, "uptime": 7} for device in stock])


def privileges(*org_ids: str, **more: object) -> dict[str, object]:
    """Return an answer of ``GET /self`` with rights to orgs, and with more privileges."""
    return {"privileges": [{"scope": "org", "org_id": org_id} for org_id in org_ids] + list(more.values())}


def single_site(cloud: RestCloud, site_id: str = "site-7") -> dict[str, str]:
    """Serve a site of which the token can read nothing but itself; return the privilege."""
    cloud.answer(f"/sites/{site_id}", {"id": site_id, "org_id": "org-far", "name": "Seven", "country_code": "DE"})
    cloud.listing(
        f"/sites/{site_id}/stats/devices",
        [{"mac": mac(70), "type": "ap", "status": "connected", "model": "AP41", "uptime": 9}],
    )
    return {"scope": "site", "org_id": "org-far", "site_id": site_id, "org_name": "Far"}


@dataclass
class Bench:
    """An inventory with its backfill, and what they handled."""

    cloud: RestCloud
    directory: Directory
    status: RestStatus
    clock: Any
    inventory: Inventory = None
    backfill: Backfill = None
    changes: list = field(default_factory=list)
    objects: list = field(default_factory=list)

    def handled(self, kind: str) -> list:
        """Return payload and ids of each object of a kind."""
        return [(payload, ids) for name, payload, ids in self.objects if name == kind]


@asynccontextmanager
async def bench_of(
    cloud: RestCloud,
    account: Account | None = None,
    *,
    clock: Any = None,
    attempts: int = 1,
    mxedges: bool = False,
    handle: Any = None,
    **options: Any,
) -> AsyncIterator[Bench]:
    """Make an inventory of `cloud` that does not run yet."""
    async with rest_of(cloud.url, clock=clock, attempts=attempts) as rest:
        bench = Bench(cloud, Directory(), rest.status, clock or rest._clock)
        handle = handle or (lambda *one: bench.objects.append(one))
        bench.backfill = Backfill(rest, bench.directory, handle, bench.clock, mxedges=mxedges, draw=lambda: 0.5)
        bench.inventory = Inventory(
            rest,
            account or Account(),
            bench.directory,
            bench.backfill,
            on_change=bench.changes.append,
            handle=handle,
            clock=bench.clock,
            rng=random.Random(3),
            **options,
        )
        yield bench
