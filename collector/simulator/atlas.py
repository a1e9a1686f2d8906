"""The fleet as the cloud's servers ask for it: who exists, what is true, and what can be done to it."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collector.simulator.fleet import Fleet

ACTIONS = frozenset(
    {
        "add_device",
        "add_site",
        "disconnect",
        "evacuate",
        "lunch_rush",
        "move_device",
        "reboot",
        "reconnect",
        "remove_device",
        "remove_site",
    }
)
"""Methods of the fleet that the control endpoint may call; arguments as there."""

Row = dict[str, Any]


class Atlas:
    """Answers without raising for what does not exist, and joins what the fleet keeps apart."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    # Who exists.

    def orgs(self) -> list[Row]:
        """List the orgs, as `/orgs/:id` answers each."""
        return self._fleet.orgs()

    def org(self, org_id: str) -> Row | None:
        """Return an org, or None."""
        return next((org for org in self._fleet.orgs() if org["id"] == org_id), None)

    def has_org(self, org_id: str) -> bool:
        """Whether there is such an org."""
        return self.org(org_id) is not None

    def org_of_site(self, site_id: str) -> str | None:
        """Return the id of the org that owns a site; None when there is no such site."""
        try:
            org_id: str = self._fleet.site_settings(site_id)["org_id"]
        except KeyError:
            return None
        return org_id

    def has_map(self, site_id: str, map_id: str) -> bool:
        """Whether a site that exists has this map."""
        return any(floor["id"] == map_id for floor in self._fleet.maps(site_id))

    def sites(self, org_id: str) -> list[Row]:
        """List the sites of an org that exists."""
        return self._fleet.sites(org_id)

    def tree(self) -> list[Row]:
        """List the orgs, each with its sites and the MACs, kinds and sites of its devices."""
        return [
            {
                "id": org["id"],
                "name": org["name"],
                "sites": [{"id": site["id"], "name": site["name"]} for site in self._fleet.sites(org["id"])],
                "devices": [
                    {name: device[name] for name in ("mac", "type", "name", "site_id", "connected")}
                    for device in self._fleet.inventory(org["id"])
                ],
            }
            for org in self._fleet.orgs()
        ]

    # What is true.

    def truth(self, mac: str) -> Row | None:
        """Return the true state of a device, or None."""
        try:
            return self._fleet.truth(mac)
        except KeyError:
            return None

    def truths(self) -> dict[str, Row]:
        """Return the true state of every device, by MAC."""
        return {mac: self._fleet.truth(mac) for mac in self._fleet.macs()}

    def floor_truth(self, seen_since: float = 0.0) -> Row:
        """Return who is on every map and in every zone."""
        return self._fleet.floor_truth(seen_since)

    def zone_stats(self, site_id: str) -> list[Row]:
        """List the zones of a site with who is in each now, and for how long its Wi-Fi clients have been (seconds)."""
        since: dict[str, list[float]] = {}
        for client in self._fleet.client_stats(site_id):
            for zone in client.get("zones", ()):
                since.setdefault(zone["id"], []).append(client["last_seen"] - zone["since"])
        return [zone | _waits(since.get(zone["id"], [])) for zone in self._fleet.zone_stats(site_id)]

    # What can be done.

    def act(self, action: str, arguments: dict[str, Any]) -> Any:
        """Do one of `ACTIONS` to the fleet; raises ValueError for another one, wrong arguments or unknown ids."""
        if action not in ACTIONS:
            raise ValueError(f"unknown action {action!r}; there are {', '.join(sorted(ACTIONS))}")
        method = getattr(self._fleet, action)
        try:
            signature(method).bind(**arguments)
        except TypeError as error:
            raise ValueError(f"{action}: {error}") from None
        try:
            return method(**arguments)
        except KeyError as error:
            raise ValueError(f"{action}: there is no {error}") from None


def _waits(waits_s: list[float]) -> Row:
    waits = sorted(waits_s) or [0]
    return {
        "clients_waits": {
            "avg": round(sum(waits) / len(waits)),
            "max": waits[-1],
            "min": waits[0],
            "p95": waits[int((len(waits) - 1) * 0.95)],
        }
    }
