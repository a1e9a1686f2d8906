"""Gateways and the WAN: links, tunnels, peers, pools, sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mist_screens import words
from mist_screens.layout import SITE_OF_ROW, Screen, Section
from mist_screens.panels import UP, Bars, Column, Lines, Query, Stat, Steps, Table

if TYPE_CHECKING:
    from mist_screens.panels import Panel
    from mist_screens.settings import Settings

_NAMED = "* on (<device>) group_left (device, site) device:mist_device_info:named{<in_device>}"
_SITE = Column(field="site", title="Site", link=SITE_OF_ROW)
_IDS = (Column(field="site_id", hidden=True), Column(field="mac", hidden=True))


def screen(s: Settings) -> Screen:
    """Return the dashboard."""
    return Screen(
        name="wan",
        title="Mist / WAN and gateways",
        says="Do the sites reach the world, over which link, and how well? And have the gateways room for more?",
        variables=("org", "site", "device"),
        device_type="gateway",
        sections=(
            Section("At a glance", _glance(s)),
            Section("WAN links", _links()),
            Section("Tunnels and peers", _peers(s)),
            Section("Gateways", _gateways(s)),
        ),
    )


def _down(title: str, says: str, record: str) -> Stat:
    return Stat(
        title=title,
        says=says,
        queries=(Query(f"count({record}{{<in_device>}} == 0) or vector(0)"),),
        empty=words.NOT_POLLED,
        steps=Steps("Yellow from one: it may be a spare; the alert knows.", yellow=1),
    )


def _glance(s: Settings) -> tuple[Panel, ...]:
    return (
        Stat(
            title="Gateways up",
            says="Share of the gateways that is connected to Mist.",
            queries=(
                Query(
                    'sum(mist_device_up{<in_device>, device_type="gateway"}) / count(mist_device_up{<in_device>, device_type="gateway"})'
                ),
            ),
            empty=words.NOT_STREAMED,
            unit="percentunit",
            steps=Steps("Red below all: a site may be cut off.", yellow=1, red=0.999),
        ),
        _down("WAN links down", "WAN links without a link, spares included.", "interface:mist_gateway_wan_up:named"),
        _down("Tunnels down", "WAN tunnels that are down, spares included.", "tunnel:mist_wan_tunnel_up:named"),
        _down(
            "VPN paths down", "VPN paths that are down, those over spare links included.", "peer:mist_vpn_peer_up:named"
        ),
        _down("BGP sessions down", "BGP sessions that are not established.", "peer:mist_bgp_peer_up:named"),
        Stat(
            title="Fullest DHCP pool",
            says="The pool with the largest share of its addresses leased.",
            queries=(Query("max(pool:mist_dhcp_pool_leases:ratio{<in_device>})"),),
            empty=words.NOT_STREAMED,
            unit="percentunit",
            steps=Steps(
                "Yellow from <dhcp_warning_ratio|percent>, red from <dhcp_critical_ratio|percent>: new clients get no address.",
                yellow=s.thresholds["dhcp_warning_ratio"],
                red=s.thresholds["dhcp_critical_ratio"],
            ),
        ),
    )


def _links() -> tuple[Panel, ...]:
    return (
        Table(
            title="WAN links",
            says="Every WAN link: up or DOWN, and what it carries. DOWN ones stand first; spares are down all day.",
            queries=(
                Query("interface:mist_gateway_wan_up:named{<in_device>}"),
                Query("interface:mist_gateway_wan_receive_bytes:rate{<in_device>}"),
                Query("interface:mist_gateway_wan_transmit_bytes:rate{<in_device>}"),
            ),
            empty=words.NOT_STREAMED,
            w=24,
            h=9,
            sort="State",
            ascending=True,
            drops=("node",),
            columns=(
                Column(field="device", title="Gateway"),
                Column(field="wan", title="Link"),
                Column(field="wan_type", title="Kind"),
                Column(field="interface", title="Interface"),
                Column(field="Value #A", title="State", words=UP),
                Column(field="Value #B", title="Receives", unit="Bps"),
                Column(field="Value #C", title="Sends", unit="Bps"),
                _SITE,
                *_IDS,
            ),
        ),
        Lines(
            title="Received from the WAN",
            says="The ten busiest links. A flat top is a line that is full.",
            queries=(
                Query("topk(10, interface:mist_gateway_wan_receive_bytes:rate{<in_device>})", "{{device}} {{wan}}"),
            ),
            empty=words.NOT_STREAMED,
            unit="Bps",
            w=12,
        ),
        Lines(
            title="Sent to the WAN",
            says="The ten busiest links. A flat top is a line that is full; sending fills first on asymmetric ones.",
            queries=(
                Query("topk(10, interface:mist_gateway_wan_transmit_bytes:rate{<in_device>})", "{{device}} {{wan}}"),
            ),
            empty=words.NOT_STREAMED,
            unit="Bps",
            w=12,
        ),
    )


def _peers(s: Settings) -> tuple[Panel, ...]:
    latency, loss, jitter = (
        s.thresholds[f"wan_{what}"] for what in ("latency_seconds", "loss_ratio", "jitter_seconds")
    )
    return (
        Lines(
            title="Latency to VPN peers",
            says="Latency of the paths that are up, the ten slowest.",
            queries=(
                Query(
                    "topk(10, mist_vpn_peer_latency_seconds{<in_device>} and on (<device>, port_id, peer_mac, peer_port_id) mist_vpn_peer_up{<in_device>} == 1)",
                    "{{mac}} {{port_id}} to {{peer_port_id}}",
                ),
            ),
            empty=words.NOT_POLLED,
            unit="s",
            steps=Steps(f"Dashed: {latency:g} s; voice breaks from 0.15 s one way.", red=latency),
        ),
        Lines(
            title="Loss to VPN peers",
            says="Share of packets lost on the paths that are up, the ten worst.",
            queries=(
                Query(
                    "topk(10, mist_vpn_peer_loss_ratio{<in_device>} and on (<device>, port_id, peer_mac, peer_port_id) mist_vpn_peer_up{<in_device>} == 1)",
                    "{{mac}} {{port_id}} to {{peer_port_id}}",
                ),
            ),
            empty=words.NOT_POLLED,
            unit="percentunit",
            steps=Steps("Dashed: <wan_loss_ratio|percent>, from where video breaks.", red=loss),
        ),
        Lines(
            title="Jitter to VPN peers",
            says="Jitter of the paths that are up, the ten worst.",
            queries=(
                Query(
                    "topk(10, mist_vpn_peer_jitter_seconds{<in_device>} and on (<device>, port_id, peer_mac, peer_port_id) mist_vpn_peer_up{<in_device>} == 1)",
                    "{{mac}} {{port_id}} to {{peer_port_id}}",
                ),
            ),
            empty=words.NOT_POLLED,
            unit="s",
            steps=Steps(f"Dashed: {jitter:g} s, the buffer of a usual telephone.", red=jitter),
        ),
        Table(
            title="VPN paths",
            says="Every path: up or DOWN, the one in use, and how a caller would rate it (1 is bad, 4.5 the best).",
            queries=(
                Query("peer:mist_vpn_peer_up:named{<in_device>}"),
                Query("mist_vpn_peer_active{<in_device>}"),
                Query("mist_vpn_peer_mean_opinion_score{<in_device>}"),
                Query("mist_vpn_peer_uptime_seconds{<in_device>}"),
            ),
            empty=words.NOT_POLLED,
            w=24,
            sort="State",
            ascending=True,
            drops=("peer_mac",),
            columns=(
                Column(field="device", title="Gateway"),
                Column(field="port_id", title="Port"),
                Column(field="peer_router", title="Peer"),
                Column(field="peer_port_id", title="Peer's port"),
                Column(field="Value #A", title="State", words=UP),
                Column(field="Value #B", title="In use", unit="bool_yes_no"),
                Column(field="Value #C", title="Rating", steps=Steps("", yellow=4, red=3.5)),
                Column(field="Value #D", title="Up for", unit="dtdurations"),
                _SITE,
                *_IDS,
            ),
        ),
        Table(
            title="WAN tunnels",
            says="Every tunnel, DOWN ones first, and since when its keys are good.",
            queries=(
                Query("tunnel:mist_wan_tunnel_up:named{<in_device>}"),
                Query("mist_wan_tunnel_uptime_seconds{<in_device>}"),
            ),
            empty=words.NOT_POLLED,
            w=12,
            sort="State",
            ascending=True,
            drops=("node", "peer", "priority"),
            columns=(
                Column(field="device", title="Gateway"),
                Column(field="tunnel", title="Tunnel"),
                Column(field="wan", title="Link"),
                Column(field="Value #A", title="State", words=UP),
                Column(field="Value #B", title="Up for", unit="dtdurations"),
                _SITE,
                *_IDS,
            ),
        ),
        Table(
            title="BGP sessions",
            says="Every session, DOWN ones first, with the routes it brings. None received is bad.",
            queries=(
                Query("peer:mist_bgp_peer_up:named{<in_device>}"),
                Query("mist_bgp_peer_received_routes{<in_device>}"),
                Query("mist_bgp_peer_uptime_seconds{<in_device>}"),
            ),
            empty=words.NOT_POLLED,
            w=12,
            sort="State",
            ascending=True,
            drops=("node",),
            columns=(
                Column(field="device", title="Gateway"),
                Column(field="neighbor", title="Neighbour"),
                Column(field="vrf", title="VRF"),
                Column(field="Value #A", title="State", words=UP),
                Column(field="Value #B", title="Routes"),
                Column(field="Value #C", title="Up for", unit="dtdurations"),
                _SITE,
                *_IDS,
            ),
        ),
    )


def _gateways(s: Settings) -> tuple[Panel, ...]:
    pool = Steps(
        "Yellow from <dhcp_warning_ratio|percent>, red from <dhcp_critical_ratio|percent>.",
        yellow=s.thresholds["dhcp_warning_ratio"],
        red=s.thresholds["dhcp_critical_ratio"],
    )
    return (
        Bars(
            title="DHCP pools",
            says="Share of the addresses that is leased, the fullest first; pools of switches included.",
            queries=(Query("topk(12, pool:mist_dhcp_pool_leases:ratio{<in_site>})", "{{device}} {{network}}"),),
            empty=words.NOT_STREAMED,
            unit="percentunit",
            top=1,
            steps=pool,
        ),
        Lines(
            title="Sessions",
            says="Share of the sessions that a gateway can hold, the ten fullest. At the top new ones are refused.",
            queries=(Query("topk(10, spu:mist_gateway_spu_sessions:ratio{<in_device>})", "{{device}} {{node}}"),),
            empty="No data: no gateway with a services processing unit speaks",
            unit="percentunit",
            top=1,
            steps=Steps("Dashed: <sessions_ratio|percent>.", red=s.thresholds["sessions_ratio"]),
        ),
        Lines(
            title="Forwarding load",
            says="Load of the services processing units, the ten busiest.",
            queries=(
                Query(
                    f"topk(10, mist_gateway_spu_cpu_utilization_ratio{{<in_device>}} {_NAMED})", "{{device}} {{node}}"
                ),
            ),
            empty="No data: no gateway with a services processing unit speaks",
            unit="percentunit",
            top=1,
            steps=Steps(
                "Dashed: <spu_busy_ratio|percent>; beyond, packets are lost.", red=s.thresholds["spu_busy_ratio"]
            ),
        ),
        Table(
            title="Clusters",
            says="What pairs of gateways say of themselves. Anything but green, healthy and up means: no spare.",
            queries=(Query(f"(mist_gateway_cluster_status{{<in_device>}} == 1) {_NAMED}"),),
            empty="None: no cluster here, or its gateways do not speak",
            w=8,
            drops=("Value",),
            columns=(Column(field="device", title="Cluster"), Column(field="state", title="Light"), _SITE, *_IDS),
        ),
        Lines(
            title="Hottest gateways",
            says="The hottest sensor of a gateway, the ten hottest.",
            queries=(
                Query(
                    f"topk(10, max by (<device>) (mist_gateway_temperature_celsius{{<in_device>}}) {_NAMED})",
                    "{{device}}",
                ),
            ),
            empty=words.NOT_STREAMED,
            unit="celsius",
            steps=Steps("Dashed: <temperature_celsius> degrees.", red=s.thresholds["temperature_celsius"]),
        ),
        Lines(
            title="Processors",
            says="Share of processor time of the routing engines, the ten busiest.",
            queries=(
                Query(
                    f'topk(10, mist_device_cpu_utilization_ratio{{<in_device>, device_type="gateway"}} {_NAMED})',
                    "{{device}} {{node}}",
                ),
            ),
            empty=words.NOT_STREAMED,
            unit="percentunit",
            top=1,
            steps=Steps("Dashed: <cpu_ratio|percent>.", red=s.thresholds["cpu_ratio"]),
        ),
    )
