"""Totals and service levels of an org, streamed piece by piece: a message holds what is available, the rest stays.

Its number of sites is left to the org's statistics, which REST gives whether this stream is subscribed or not.
"""

from __future__ import annotations

from collector.catalog.objects import Object
from collector.metrics.model import Entity, Gauge, timestamp

_DEVICES = {"ap": "aps", "switch": "switches", "gateway": "gateways", "mxedge": "mxedges"}
_MEDIA = {"wireless": "clients", "wired": "wired_clients", "wan": "wan_clients", "nac": "nac_clients"}
_AUTHENTICATING = {"wireless": "client_auth", "wired": "wired_client_auth", "nac": "nac_client_auth"}

SUMMARY = Entity(
    "org_insights",
    labels=("org_id",),
    ttl_s=900.0,  # the cadence of the stream is not documented
    families=(
        *(
            Gauge("mist_org_sle_ratio", f"sle_summary_{service}", "Service level of the organization by sort of access.", labels={"service": service})
            for service in ("wireless", "wired", "wan")
        ),
        timestamp("mist_org_insights_timestamp_seconds", "timestamp", "When Mist made the latest part of the organization's summary."),
        Gauge("mist_org_degraded_sites", "num_degraded_sites", "Sites whose service level is below 80 %."),
        *(
            Gauge("mist_org_claimed_devices", f"num_{name}", "Devices that the organization claimed, by type.", labels={"device_type": kind})
            for kind, name in _DEVICES.items()
        ),
        *(
            Gauge("mist_org_disconnected_devices", f"num_disconnected_{name}", "Devices that are not connected to the Mist cloud, by type.", labels={"device_type": kind})
            for kind, name in _DEVICES.items()
        ),
        *(
            Gauge("mist_org_wan_tunnels", f"num_{state}_wan_tunnels", "WAN tunnels of the organization by state.", labels={"state": state})
            for state in ("active", "inactive")
        ),
        Gauge("mist_org_expected_mxtunnels", "num_mxtunnels", "Tunnels to Mist Edges that there should be."),
        Gauge("mist_org_inactive_mxtunnels", "num_inactive_mxtunnels", "Tunnels to Mist Edges that are down."),
        Gauge("mist_org_expected_vpn_peers", "num_vpn_peers", "VPN peers that there should be."),
        Gauge("mist_org_inactive_vpn_peers", "num_inactive_vpn_peers", "VPN peers that are down."),
        *(
            Gauge("mist_org_recent_clients", f"num_{name}", "Clients seen lately in the organization, by how they are connected.", labels={"medium": medium})
            for medium, name in _MEDIA.items()
        ),
        *(
            Gauge("mist_org_authenticating_clients", f"num_{name}", "Clients that authenticated lately, each once, by how they are connected.", labels={"medium": medium})
            for medium, name in _AUTHENTICATING.items()
        ),
        *(
            Gauge("mist_org_recent_alerts", f"num_{short}_alerts", "Alerts of the organization that Mist shows at present, by group.", labels={"group": group})
            for short, group in (("marvis", "marvis"), ("infra", "infrastructure"), ("security", "security"))
        ),
        *(
            Gauge("mist_org_recent_events", f"num_{kind}_events", "Events of the organization lately, by what they are about.", labels={"about": kind})
            for kind in ("device", "client")
        ),
    ),
)  # fmt: skip

NAME = "org_insights_summary"
OBJECTS = (Object(NAME, (SUMMARY,), ("org_id",), carries="insights"),)
NOT_EXPORTED = {NAME: {"num_sites": "The same number as in the org's statistics; mist_org_sites tells it."}}
