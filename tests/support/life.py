"""A daemon's working parts without its sockets, and a fleet that is replaced generation by generation.

What REST, streams and webhooks would bring is handed in directly, so that years pass in seconds. `census` counts
everything that the daemon holds on to.
"""

from __future__ import annotations

import gc
import itertools
import json
import sys
from collections import Counter, deque
from types import BuiltinFunctionType, FrameType, ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from collector import config
from collector.daemon import wiring
from collector.metrics.interning import InternTable
from collector.mist.directory import Device, Org, Site
from collector.mist.envelope import Data
from collector.serve import status_html
from collector.serve.metrics import Selection
from collector.simulator.fleet import Fleet, FleetPlan, StreamMessage
from tests.support.clock import ManualClock

if TYPE_CHECKING:
    from pathlib import Path

    from collector.daemon.account import AccountRun
    from collector.mist.directory import Changes

DAY_S = 86_400.0
LIVED_S = 60.0  # of each generation's day the fleet speaks so long; the rest is silence
# Everything that can be counted is switched on, single clients and assets, too.
ALL_ON: dict[str, object] = {
    "streams": {
        "devices": True,
        "clients": True,
        "mxedges": True,
        "org_insights": True,
        "device_events": True,
        "location": dict.fromkeys(
            ("clients", "unconnected_clients", "sdkclients", "assets", "discovered_assets"), True
        ),
    },
    "polls": {"assets": True},
    "clients": {"per_client": True, "max_clients": 50},
    "assets": {"per_asset": True, "max_assets": 50},
    "location": {"webhook_positions": True, "heat_grid": {"cell_m": 5.0, "max_cells": 50}},
    "labels": "inline",
}
PLAN = FleetPlan(
    sites=3,
    aps=2,
    switches=1,
    gateways=1,
    mxedges=1,
    clients_per_ap=3,
    unconnected_clients=2,
    sdkclients=1,
    assets=1,
    discovered_assets=2,
    location_events=True,
    reboots_per_device_day=40.0,
    port_flaps_per_device_day=100.0,
    events_per_device_hour=100.0,
    site_events_per_hour=1000.0,
)


class Life:
    """One daemon and its fleet. `generation` lets a day pass, after which another part of the fleet is new."""

    def __init__(self, directory: Path, plan: FleetPlan = PLAN) -> None:
        self.fleet = Fleet(plan)
        self.clock = ManualClock(unix=self.fleet.now)
        (directory / "token").touch(mode=0o600)
        (directory / "token").write_text("token\n")
        account = {"name": "main", "api_url": "https://api.mist.example", "stream_url": "wss://api-ws.mist.example"}
        written = {
            "accounts": [account | {"token_file": "token"}],
            "webhook": {"listen": "127.0.0.1:0", "allow_unsigned": True},
            **ALL_ON,
        }
        (directory / "collector.yaml").write_text(json.dumps(written))
        self.daemon = wiring.Daemon(config.load(directory / "collector.yaml", {}), self.clock, connect=nowhere)
        self.daemon.accounts.apply(self.daemon.config)
        self._numbers = itertools.count()
        self._last: dict[str, str] = {}  # by channel, what came last
        self._late: deque[tuple[str, dict[str, Any]]] = deque()

    @property
    def account(self) -> AccountRun:
        """The one account."""
        return self.daemon.accounts.running[0]

    async def generation(self) -> None:
        """A day: a site, devices and clients go, others come; all of them speak; REST lists them; somebody scrapes."""
        gone = self._replace()
        self._change_accounts()
        await self._read()
        self._poll()
        self._speak()
        self._invent()
        self._tell_late(gone)
        await self._pass(DAY_S - LIVED_S)
        await self.scrape()

    # the fleet

    def _replace(self) -> list[dict[str, Any]]:
        """The first site stays, with other devices; of the others the oldest goes. Returns the state of who went."""
        (org,) = self.fleet.orgs()
        before = {stats["mac"]: stats for stats in self.fleet.device_stats(org["id"])}
        stays, oldest, *others = [site["id"] for site in self.fleet.sites(org["id"])]
        self.fleet.remove_site(oldest)
        self.fleet.add_site()
        for site_id in (stays, *others):
            for kind in ("ap", "switch", "gateway"):
                mac, *_ = self.fleet.macs_at(site_id, kind)
                self.fleet.remove_device(mac)
                mac = self.fleet.add_device(site_id, kind)
                self.fleet.rename_device(mac, f"{kind} number {next(self._numbers)}")
        return [stats for mac, stats in before.items() if mac not in self.fleet.macs()]

    def _change_accounts(self) -> None:
        """A second account comes, and goes the next time: as reloads may have it."""
        (first, *others), config = self.daemon.config.accounts, self.daemon.config
        second = [] if others else [first.model_copy(update={"name": f"account {next(self._numbers)}"})]
        self.daemon.accounts.apply(config.model_copy(update={"accounts": [first, *second]}))

    # what comes in

    async def _read(self) -> None:
        """The inventory, as `Inventory` reads and hands it on."""
        (org,) = self.fleet.orgs()
        ids = {"org_id": org["id"]}
        sites, entries = self.fleet.sites(org["id"]), self.fleet.inventory(org["id"])
        changes = self.account.directory.replace(
            kept(map(Org.from_payload, [org])),
            kept(Site.from_payload(site, org["id"]) for site in sites),
            kept(Device.from_payload(entry, org["id"]) for entry in entries),
        )
        for part in changes.batches():
            self.account._changed(part)
            self._speak_too_late(part)
        self.account._subscribe()
        self.daemon.feeds.rest_object("org", org, ids)
        for site in sites:
            self.daemon.feeds.rest_object("site", site, ids | {"site_id": site["id"]})
        for entry in entries:
            self.daemon.feeds.rest_object("inventory", entry, ids | {"site_id": entry["site_id"], "mac": entry["mac"]})

    def _speak_too_late(self, part: Changes) -> None:
        """Channels are not all unsubscribed in the moment in which a site goes: frames of it are still under way."""
        gone = {site.id for site in part.sites_removed}
        for channel, payload in list(self._last.items()):
            if channel.split("/")[2] in gone:
                del self._last[channel]
                self.daemon.dispatcher.event(Data(channel, payload), self.clock.now())

    def _speak(self) -> None:
        """Frames and events, as they come; some events come again, and some a day late."""
        for said in self.fleet.step(self.fleet.now + LIVED_S):
            if isinstance(said, StreamMessage):
                self._frame(said.channel, said.payload)
            else:
                self._deliver(said.topic, said.payload)
                if next(self._numbers) % 7 == 0:
                    self._late.append((said.topic, said.payload | {"timestamp": int(said.at) + 1}))

    def _deliver(self, topic: str, event: dict[str, Any]) -> None:
        body = json.dumps({"topic": topic, "events": [event, event]}).encode()
        assert self.daemon.dispatcher.delivery(body, self.clock.time()) is None

    def _invent(self) -> None:
        """What a fleet does not think of: on a site that stays, words that were never heard before."""
        (org,) = self.fleet.orgs()
        site_id = self.fleet.sites(org["id"])[0]["id"]
        new = f"new-{next(self._numbers)}"
        word = f"word-{next(self._numbers) % 30}"  # types and reasons are of a vocabulary
        where = {"org_id": org["id"], "site_id": site_id, "timestamp": int(self.clock.time())}
        for topic, event in (
            ("client-join", {"ssid": new, "band": "5", "mac": new}),
            ("zone", {"zone_id": new, "trigger": "enter", "type": "wifi", "mac": "aa0000000001"}),
            ("rssizone", {"rssizone_id": new, "trigger": "exit", "type": "asset", "mac": "aa0000000002"}),
            ("minis-application", {"probe_name": new, "vlan": new, "test_type": "curl", "success": True}),
            ("minis-reachability", {"probe_name": new, "protocol": "icmp", "avg_latency": 3.0}),
            ("occupancy-alerts", {"alert_events": [{"zone_id": new, "type": "COMPLIANCE-OK", "current_occupancy": 1}]}),
            ("alarms", {"id": new, "type": "bad_cable", "group": "marvis", "severity": "warn", "status": "open"}),
            ("device-events", {"type": f"AP_{word}", "ap": "5c5b35000009", "reason": word}),
            (new, {"type": word}),
        ):
            self._deliver(topic, where | event)
        client = {"mac": f"bb{next(self._numbers):010x}", "ssid": new, "band": "5", "uptime": 5, "rx_bytes": 7}
        self._frame(f"/sites/{site_id}/stats/clients", client)
        change = {"device_id": new, "event_type": new, "detail": {"status": new}}
        self._frame(f"/sites/{site_id}/devices", change)
        self._draw(org["id"], site_id, new)

    def _draw(self, org_id: str, site_id: str, new: str) -> None:
        """A map with a zone that the next listing will not have."""
        ids, catalog = {"org_id": org_id, "site_id": site_id}, self.daemon.feeds
        corners = [{"x": x, "y": y} for x, y in ((0, 0), (50, 0), (50, 50), (0, 50))]
        catalog.rest_object("map", {"id": f"map-{new}", "name": new, "width": 100, "height": 100, "ppm": 10}, ids)
        zone = {"id": f"zone-{new}", "map_id": f"map-{new}", "name": new, "vertices": corners}
        catalog.rest_object("zone_definition", zone, ids)
        self.account._subscribe()
        for number in range(3):
            said = {"mac": f"cc000000000{number}", "x": 10 + 20 * number, "y": 10}
            self._frame(f"/sites/{site_id}/stats/maps/map-{new}/clients", said)

    def _frame(self, channel: str, payload: object) -> None:
        self._last[channel] = text = json.dumps(payload)
        self.daemon.dispatcher.event(Data(channel, text), self.clock.now())

    def _tell_late(self, gone: list[dict[str, Any]]) -> None:
        """What was under way: events of a site, answers of REST about devices that are gone meanwhile."""
        while len(self._late) > 20:
            self._deliver(*self._late.popleft())
        for number, stats in enumerate(gone):
            status = {"status": "disconnected"} if number % 2 else {}
            ids = {"org_id": stats["org_id"], "site_id": stats["site_id"]}
            self.daemon.feeds.rest_object("device", stats | status, ids)

    def _poll(self) -> None:
        """Every listing that REST is asked for."""
        (org,) = self.fleet.orgs()
        org_id, fleet, catalog = org["id"], self.fleet, self.daemon.feeds
        began = self.clock.now()

        def told(kind: str, payloads: list[dict[str, Any]], site_id: str = "") -> None:
            for payload in payloads:
                site = site_id or payload.get("site_id", "")
                if site and site not in self.account.directory.sites:
                    continue  # as `Asker` does
                catalog.rest_object(kind, payload, {"org_id": org_id, "site_id": site})

        told("device", fleet.device_stats(org_id))
        told("mxedge", fleet.mxedge_stats(org_id))
        told("alarm", fleet.alarms(org_id)[-30:])
        catalog.rest_complete("alarm", org_id, began)
        told("bgp_peer", fleet.bgp_peers(org_id))
        told("vpn_peer", fleet.vpn_peers(org_id))
        told("wan_tunnel", fleet.wan_tunnels(org_id))
        told("org_stats", [fleet.org_stats(org_id)])
        for port in fleet.ports(org_id):
            told("switch_port" if port.get("device_type") == "switch" else "gateway_port", [port])
        for site in fleet.sites(org_id):
            told("site_stats", [fleet.site_stats(site["id"])])
            told("asset", fleet.asset_stats(site["id"]), site["id"])
            told("zone", fleet.zone_stats(site["id"]), site["id"])
            for kind, listed in (("map", fleet.maps), ("zone_definition", fleet.zones)):
                told(kind, listed(site["id"]), site["id"])
                self.account._site_complete(kind, site["id"], began)
        self.account._subscribe()

    # time

    async def _pass(self, seconds: float) -> None:
        """Let time pass, with a sweep in between and one at the end."""
        for part in (300.0, seconds - 300.0):
            await self.clock.advance(part, settle=1)
            for _ in self.daemon.feeds.sweep():
                pass
            await self.daemon.event_buffer.flush()

    async def scrape(self) -> str:
        """What an operator looks at: the page, the floors; the exposition, which is returned."""
        status_html.render(self.daemon.report.page())
        for floor in self.daemon.location.lines():
            self.daemon.location.view(floor.map_id)
        return b"".join([chunk async for chunk in self.daemon.scrape.render(Selection())]).decode()

    # the books

    def object_counts(self) -> Counter[str]:
        """Rows by table, rows that a table has memory for, and everything else that the daemon holds on to."""
        tables = self.daemon.feeds.store.tables
        rows = {f"rows of {name}": len(table) for name, table in tables.items()}
        return Counter(rows | {f"places of {name}": len(table.labels) for name, table in tables.items()}) + census(
            self.daemon
        )


async def nowhere(*_: object) -> NoReturn:
    """Nobody connects."""
    raise OSError


def kept(entries: Any) -> list[Any]:
    """Those that could be read."""
    return [entry for entry in entries if entry is not None]


def census(root: object) -> Counter[str]:
    """How many things hang on `root`, by type, and how many elements the containers among them have (`in <type>`)."""
    modules = {id(vars(module)) for module in sys.modules.values() if isinstance(module, ModuleType)}
    seen, found, ways = {id(root)}, Counter[str](), deque([root])
    while ways:
        one = ways.popleft()
        for inner in gc.get_referents(one):
            if id(inner) in seen or id(inner) in modules or isinstance(inner, PASSED_OVER):
                continue
            seen.add(id(inner))
            kind = type(inner).__name__
            found[kind] += 1
            if isinstance(inner, SIZED):
                found[f"in {kind}"] += len(inner)
            ways.append(inner)
    return found


SIZED = (dict, list, set, deque)
PASSED_OVER = (type, ModuleType, FrameType, BuiltinFunctionType, InternTable)  # bounded
