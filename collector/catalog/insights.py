"""Table of the insights summary of an org: totals and SLEs.

Messages are partial: fields that are absent from a message keep their value. The number of sites comes from the REST
statistics of the org, which do not require a subscription of this channel.
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
    ttl_s=900.0,  # the period of the stream is not documented
    families=(
        *(
            Gauge("mist_org_sle_ratio", f"sle_summary_{service}", "SLE of the organization, by service (wireless, wired, WAN).", labels={"service": service})
            for service in ("wireless", "wired", "wan")
        ),
        timestamp("mist_org_insights_timestamp_seconds", "timestamp", "Time of the last part of the insights summary of the organization, in seconds since the epoch."),
        Gauge("mist_org_degraded_sites", "num_degraded_sites", "Number of sites with an aggregated SLE below 80 %."),
        *(
            Gauge("mist_org_claimed_devices", f"num_{name}", "Number of devices claimed by the organization, by device type.", labels={"device_type": kind})
            for kind, name in _DEVICES.items()
        ),
        *(
            Gauge("mist_org_disconnected_devices", f"num_disconnected_{name}", "Number of devices of the organization that are disconnected from the Mist cloud, by device type.", labels={"device_type": kind})
            for kind, name in _DEVICES.items()
        ),
        *(
            Gauge("mist_org_wan_tunnels", f"num_{state}_wan_tunnels", "Number of WAN tunnels of the organization, by state (active, inactive).", labels={"state": state})
            for state in ("active", "inactive")
        ),
        Gauge("mist_org_expected_mxtunnels", "num_mxtunnels", "Number of expected Mist Tunnels to Mist Edges."),
        Gauge("mist_org_inactive_mxtunnels", "num_inactive_mxtunnels", "Number of Mist Tunnels that are down."),
        Gauge("mist_org_expected_vpn_peers", "num_vpn_peers", "Number of expected VPN peers."),
        Gauge("mist_org_inactive_vpn_peers", "num_inactive_vpn_peers", "Number of VPN peers that are down."),
        *(
            Gauge("mist_org_recent_clients", f"num_{name}", "Number of recent clients of the organization, by medium.", labels={"medium": medium})
            for medium, name in _MEDIA.items()
        ),
        *(
            Gauge("mist_org_authenticating_clients", f"num_{name}", "Number of unique clients that recently authenticated in the organization, by medium.", labels={"medium": medium})
            for medium, name in _AUTHENTICATING.items()
        ),
        *(
            Gauge("mist_org_recent_alerts", f"num_{short}_alerts", "Number of recent alerts of the organization, by group (Marvis, infrastructure, security).", labels={"group": group})
            for short, group in (("marvis", "marvis"), ("infra", "infrastructure"), ("security", "security"))
        ),
        *(
            Gauge("mist_org_recent_events", f"num_{kind}_events", "Number of recent events of the organization, by subject (device, client).", labels={"about": kind})
            for kind in ("device", "client")
        ),
    ),
)  # fmt: skip

NAME = "org_insights_summary"
OBJECTS = (Object(NAME, (SUMMARY,), ("org_id",), carries="insights"),)
NOT_EXPORTED = {NAME: {"num_sites": "The same value as in the statistics of the org; exported as mist_org_sites."}}
