"""A small fleet of everything, and all that its cloud knows to be true of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.support.catalogue_oracle import Told
from tests.support.samples import Samples, series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.support.processes import Simulator

Payload = dict[str, Any]

SITES = 20
# One after the other, a site each: every kind is there three times at least, for its variants follow one another.
KINDS = ("switch", "virtual_chassis", "gateway", "srx_cluster", "ssr", "ssr")
PLAN = {
    "sites": SITES,
    "aps": 2,
    "mxedges": 4,  # every second one belongs to a site
    "clients_per_ap": 4,
    "assets": 1,
    "cadence_s": 10,
    "location_cadence_s": 15,
    "reboots_per_device_day": 0,  # only what the story restarts
    "roams_per_client_hour": 0,
    "sessions_per_client_hour": 0,
    "port_flaps_per_device_day": 500,
    "events_per_device_hour": 20,
    "site_events_per_hour": 60,
    "calls_per_hour": 300_000,
}
# Families that count objects, or tell of them what no field says as such: `counted` has their truth.
COUNTED = frozenset(
    {
        "mist_alarms_open",
        "mist_ap_ssid_clients",
        "mist_device_up",
        "mist_map_scale_known",
        "mist_site_clients",
        "mist_site_clients_by_security",
        "mist_site_clients_by_type",
        "mist_site_dual_band_clients",
        "mist_site_guest_clients",
        "mist_site_power_saving_clients",
    }
)
# Families that are not held against the truth, by the beginning of their names, and why.
NOT_COMPARED = {
    "mist_client_zone_entered_timestamp_seconds": "A zone that is not listed any more is told for ten minutes.",
    "mist_asset_zone_entered_timestamp_seconds": "The same, for two and a half polls.",
    "mist_map_assets": "An asset that Mist's list does not name any more counts for two and a half polls.",
    "mist_site_asset_": "One observation a poll: how often was polled is no truth of the fleet.",
    "mist_site_client_": "Sums over every message, of which the cloud's book keeps the latest.",
    "mist_org_device_changes_total": "Events of the stream, counted; the cloud's book keeps the latest only.",
    "mist_map_": "Computed from every position; the location tests have a truth of their own.",
    "mist_zone_": "The same: dwell, enters, exits, occupants.",
    # Webhooks: counted event by event in the main job's test, to their labels in the wire tests
    "mist_webhook_": "Every event is counted once: see the main job.",
    "mist_alarms_total": "Counted from webhooks.",
    "mist_minis_": "Told by webhooks.",
    "mist_nac_": "Counted from webhooks.",
    "mist_client_joins_total": "Counted from webhooks.",
    "mist_client_guest_authorizations_total": "Counted from webhooks.",
    "mist_client_session_duration_seconds": "Counted from webhooks.",
    "mist_mxedge_events_total": "Counted from webhooks.",
    "mist_rssizone_crossings_total": "Counted from webhooks.",
    "mist_site_sle_ratio": "Told by webhooks.",
}
BUT = COUNTED | {name for name in NOT_COMPARED if not name.endswith("_")}
SERVICES = ("wifi", "wired", "wan")
NIL_ID = "00000000-0000-0000-0000-000000000000"


def settle(cloud: Simulator) -> dict[str, list[str]]:
    """Put a device beside the access points of each site; the MACs by kind."""
    (org,) = cloud.ask("/fleet")
    settled: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for place, site in enumerate(org["sites"]):
        kind = KINDS[place % len(KINDS)]
        answer = cloud.tell("/fleet/actions", action="add_device", site_id=site["id"], kind=kind)
        settled[kind].append(answer["result"])
    return settled


class Truth:
    """Everything a cloud knows, asked while its world stands still; `insights` are its pieces of them, merged."""

    def __init__(self, cloud: Simulator, insights: Payload) -> None:
        self._insights = insights
        self._cloud: Simulator | None = cloud
        (org,) = cloud.ask("/fleet")
        self.org_id, self.site_ids = org["id"], [site["id"] for site in org["sites"]]
        self.world_time: float = cloud.ask("/")["simulated_time"]
        self.devices: dict[str, Payload] = cloud.ask("/truth")
        self.frames: list[Payload] = cloud.ask("/ledger/frames")
        self.told = [*self._of_devices(), *self._of_org(), *self._of_sites()]
        self.alarms = self._search("alarms/search?duration=7d")
        self._cloud = None

    def of(self, name: str) -> list[Told]:
        """The objects of one sort."""
        return [one for one in self.told if one.object == name]

    def resets(self) -> dict[str, int]:
        """How often each device restarted, of those that did; of a tunnel and a client those of what carries them."""
        found = Counter({mac: len(one["resets"]) for mac, one in self.devices.items() if one["resets"]})
        for one in self.of("mxtunnel"):
            edge = one.labels["mxedge_id"].rpartition("-")[2]
            found[f"tunnel {one.labels['ap']}"] = found[one.labels["ap"]] + found[edge]
        return {whose: times for whose, times in found.items() if times}

    # asked

    def _rows(self, path: str, limit: int = 1000) -> list[Payload]:
        answer = self._cloud.rest(f"/{path}{'&' if '?' in path else '?'}limit={limit}")
        return answer if isinstance(answer, list) else answer["results"]

    def _search(self, path: str) -> list[Payload]:
        """Every result of a search, over all its pages."""
        path = f"/orgs/{self.org_id}/{path}&limit=1000"
        found: list[Payload] = []
        while path:
            answer = self._cloud.rest(path.removeprefix("/api/v1"))
            found += answer["results"]
            path = answer.get("next", "")
        return found

    def _of_devices(self) -> Iterator[Told]:
        listed = {one["mac"]: one for one in self._rows(f"orgs/{self.org_id}/inventory")}
        for mac, truth in self.devices.items():
            moments = (
                {name: told[name] for name in ("created_time", "modified_time")} if (told := listed.get(mac)) else {}
            )
            yield Told(truth["kind"], {"mac": mac}, truth["state"] | moments)

    def _of_org(self) -> Iterator[Told]:
        org, labels = f"orgs/{self.org_id}", {"org_id": self.org_id}
        yield Told("org", labels, self._cloud.rest(f"/{org}/stats"))
        yield Told("org_insights_summary", labels, self._insights)
        for port in self._search("stats/ports/search?device_type=all"):
            yield told(f"{port['type']}_port", port, "mac", "port_id")
        for row in self._search("stats/tunnels/search?type=wan"):
            yield told("wan_tunnel", row, "mac", tunnel="tunnel_name")
        for row in self._search("stats/vpn_peers/search?duration=10m"):
            yield told("vpn_peer", row, "mac", "port_id", "peer_mac")
        for row in self._search("stats/bgp_peers/search?duration=10m"):
            yield told("bgp_peer", row, "mac", "neighbor")
        for row in self._search("stats/tunnels/search?type=wxtunnel"):
            yield told("mxtunnel", row, "mxtunnel_id", "mxedge_id", "ap")
        yield from self._of_listings(org)

    def _of_listings(self, org: str) -> Iterator[Told]:
        for row in self._rows(f"{org}/stats/sites"):
            yield told("site", row, site_id="id")
        for service in SERVICES:
            for row in self._rows(f"{org}/insights/sites-sle?sle={service}"):
                sites = {key: value for key, value in row.items() if not key.startswith("num_")}
                yield told("site_sle", sites | {"service": service}, "site_id", "service")
        for row in self._rows(f"{org}/otherdevices"):
            measured = self._cloud.rest(f"/{org}/stats/otherdevices/{row['mac']}")
            yield told("other_device", row | measured, "mac")
        for row in self._rows(f"{org}/stats/assets"):
            yield told("asset", row, "mac")

    def _of_sites(self) -> Iterator[Told]:
        for frame in self.frames:
            if frame["channel"].endswith("/stats/clients"):
                yield told("client", frame["payload"], "mac")
        for site_id in self.site_ids:
            for row in self._rows(f"sites/{site_id}/maps"):
                yield told("map", row, map_id="id")
            for row in self._rows(f"sites/{site_id}/stats/zones"):
                yield told("zone", row, zone_id="id")
            for row in self._rows(f"sites/{site_id}/stats/rssizones"):
                yield told("rssizone", row, rssizone_id="id")


def told(name: str, row: Payload, *same: str, **fields: str) -> Told:
    """An object with the labels that tell its series apart: fields called like them (`same`) and others."""
    return Told(name, {label: str(row[path]) for label, path in ({one: one for one in same} | fields).items()}, row)


# what is counted


def counted(truth: Truth) -> Samples:
    """The gauges that count objects rather than repeat a field."""
    clients = [one.payload for one in truth.of("client")]
    expected: Samples = {}

    def count(name: str, rows: Iterable[Payload], labels: Callable[[Payload], dict[str, str]], by: float = 1) -> None:
        sums = Counter({})
        for row in rows:
            sums[series(name, {"org_id": truth.org_id, **labels(row)})] += by
        expected.update({key: float(value) for key, value in sums.items()})

    def segment(row: Payload) -> dict[str, str]:
        return {"site_id": row["site_id"], "ssid": row["ssid"], "band": _BANDS[row["band"]]}

    count("mist_site_clients", clients, lambda row: segment(row) | {"protocol": row["proto"]})
    count("mist_ap_ssid_clients", clients, lambda row: segment(row) | {"mac": row["ap_mac"]})
    count(
        "mist_site_clients_by_security",
        clients,
        lambda row: {"site_id": row["site_id"], "key_management": row["key_mgmt"]},
    )
    count("mist_site_clients_by_type", clients, lambda row: {"site_id": row["site_id"], "type": row["type"]})
    for name, flag in (("guest", "is_guest"), ("dual_band", "dual_band"), ("power_saving", "power_saving")):
        count(f"mist_site_{name}_clients", [row for row in clients if row[flag]], segment)
    plans = [one.payload for one in truth.of("map")]
    count(
        "mist_map_scale_known",
        [plan for plan in plans if plan.get("ppm")],
        lambda plan: {"site_id": plan["site_id"], "map_id": plan["id"]},
    )
    count(
        "mist_alarms_open",
        [
            row
            for row in truth.alarms
            if row.get("status") != "resolved" and not row.get("resolved_time") and not row.get("acked")
        ],
        lambda row: {name: row.get(name, "") for name in ("site_id", "group", "severity")},
    )
    for mac, device in truth.devices.items():
        labels = {"mac": mac, "device_type": device["kind"], "org_id": truth.org_id}
        site = "" if device["site_id"] == NIL_ID else device["site_id"]
        expected[series("mist_device_up", labels | {"site_id": site})] = float(device["connected"])
    return expected


_BANDS = {"24": "2.4", "5": "5", "6": "6"}
