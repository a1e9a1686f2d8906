"""Run by `test_mistapi_client.py` in a process of its own: what an operator would write with the client `mistapi`.

Nothing of the client is changed. It speaks https to well-known hosts only, so the environment names a proxy that leads
those hosts to the simulator, and the certificates that are trusted. Prints one JSON object.
"""

import json
import sys

import mistapi


def main() -> None:
    session = mistapi.APISession(
        host="api.mist.com", apitoken="sim-token", console_log_level=50, logging_log_level=50, show_cli_notif=False
    )
    session.login()
    org_id = next(privilege.org_id for privilege in session.privileges if privilege.scope == "org")
    listed = mistapi.api.v1.orgs.sites.listOrgSites(session, org_id, limit=2)
    sites = [site["id"] for site in mistapi.get_all(session, listed)]
    inventory = mistapi.api.v1.orgs.inventory.getOrgInventory(session, org_id, limit=3)
    stats = mistapi.api.v1.orgs.stats.listOrgDevicesStats(session, org_id, type="all", limit=4)
    ports = mistapi.api.v1.orgs.stats.searchOrgSwOrGwPorts(session, org_id)
    wrong = mistapi.api.v1.orgs.sites.listOrgSites(session, "00000000-0000-0000-0000-000000000000")
    sys.stdout.write(
        json.dumps(
            {
                "authenticated": session.get_authentication_status(),
                "org_id": org_id,
                "sites": sites,
                "inventory": [device["mac"] for device in mistapi.get_all(session, inventory)],
                "stats": mistapi.get_all(session, stats),
                "ports": ports.data,
                "wrong": wrong.status_code,
                "streamed": listen(session, sites),
            }
        )
        + "\n"
    )
    sys.stdout.flush()


def listen(session: mistapi.APISession, sites: list[str]) -> list[dict]:
    """Return stream messages up to and including the first that carries data."""
    heard = []
    with mistapi.websockets.sites.DeviceStatsEvents(session, site_ids=sites) as stream:
        stream.connect(run_in_background=True)
        for message in stream.receive():
            heard.append(message)
            if message.get("event") == "data":
                return heard
    return heard


if __name__ == "__main__":
    main()
