"""Lookups in the fleet for the servers of the cloud, and the actions of the control endpoint."""

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
"""Methods of the fleet that the control endpoint can call, with the same arguments."""

Row = dict[str, Any]


class FleetDirectory:
    """Lookups that return None instead of raising for an unknown id, and joins of fleet queries."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    # Orgs, sites, maps.

    def orgs(self) -> list[Row]:
        """Return all orgs, as `/orgs/:id` returns each."""
        return self._fleet.orgs()

    def org(self, org_id: str) -> Row | None:
        """Return an org, or None."""
        return next((org for org in self._fleet.orgs() if org["id"] == org_id), None)

    def has_org(self, org_id: str) -> bool:
        """Return whether the org exists."""
        return self.org(org_id) is not None

    def org_of_site(self, site_id: str) -> str | None:
        """Return the org id of a site; None for an unknown site."""
        try:
            org_id: str = self._fleet.site_settings(site_id)["org_id"]
        except KeyError:
            return None
        return org_id

    def has_map(self, site_id: str, map_id: str) -> bool:
        """Return whether a map belongs to an existing site."""
        return any(floor["id"] == map_id for floor in self._fleet.maps(site_id))

    def sites(self, org_id: str) -> list[Row]:
        """Return the sites of an existing org."""
        return self._fleet.sites(org_id)

    def tree(self) -> list[Row]:
        """Return the orgs with their sites, and with MAC address, type, name, site and state of their devices."""
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

    def zone_stats(self, site_id: str) -> list[Row]:
        """Return the zones of a site with their occupancy and the stays of their Wi-Fi clients, in seconds."""
        stays_s: dict[str, list[float]] = {}
        for client in self._fleet.client_stats(site_id):
            for zone in client.get("zones", ()):
                stays_s.setdefault(zone["id"], []).append(client["last_seen"] - zone["since"])
        return [zone | _client_waits(stays_s.get(zone["id"], [])) for zone in self._fleet.zone_stats(site_id)]

    # True state.

    def truth(self, mac: str) -> Row | None:
        """Return the true state of a device, or None."""
        try:
            return self._fleet.truth(mac)
        except KeyError:
            return None

    def truths(self) -> dict[str, Row]:
        """Return the true state of every device, by MAC address."""
        return {mac: self._fleet.truth(mac) for mac in self._fleet.macs()}

    def floor_truth(self, seen_since: float = 0.0) -> Row:
        """Return the true occupancy of maps and zones, see `Fleet.floor_truth`."""
        return self._fleet.floor_truth(seen_since)

    # Actions.

    def act(self, action: str, arguments: dict[str, Any]) -> Any:
        """Run an action of `ACTIONS` and return its result.

        Raises:
            ValueError: For an unknown action, invalid arguments or an unknown id.
        """
        if action not in ACTIONS:
            raise ValueError(f"unknown action {action!r}; expected one of {', '.join(sorted(ACTIONS))}")
        method = getattr(self._fleet, action)
        try:
            signature(method).bind(**arguments)
        except TypeError as error:
            raise ValueError(f"{action}: {error}") from None
        try:
            return method(**arguments)
        except KeyError as error:
            raise ValueError(f"{action}: unknown id {error}") from None


def _client_waits(stays_s: list[float]) -> Row:
    stays = sorted(stays_s) or [0]
    return {
        "clients_waits": {
            "avg": round(sum(stays) / len(stays)),
            "max": stays[-1],
            "min": stays[0],
            "p95": stays[int((len(stays) - 1) * 0.95)],
        }
    }
