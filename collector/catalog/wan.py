"""What gateways tell of the far side: WAN tunnels, VPN peers and BGP peers.

REST lists all of an org; a gateway's statistics may hold its own. Both feed the same rows. What makes a row is
configured or built in (names, ports, MACs of devices), so that it stays the same while a link goes down and comes
back; addresses that change with it stand on the info series.
"""

from __future__ import annotations

from collector.catalog.device_tables import ROOT_LABELS
from collector.catalog.objects import Object
from collector.catalog.ports import POLLED_TTL_S
from collector.catalog.units import MILLISECONDS
from collector.metrics.model import PERCENT, Counter, Entity, Flag, Gauge, Info, StateSet, timestamp

TUNNEL = ("node", "tunnel", "wan", "priority", "peer")
VPN = ("port_id", "peer_mac", "peer_port_id")
BGP = ("node", "vrf", "neighbor")
BGP_STATES = ("idle", "connect", "active", "open_sent", "open_confirm", "established")
_BGP_SPELLINGS = {"open_config": "open_confirm", "openconfirm": "open_confirm", "opensent": "open_sent"}


def bgp_state(text: str) -> str:
    """The state as RFC 4271 names it; Mist's list says open_config for OpenConfirm."""
    state = text.lower()
    return _BGP_SPELLINGS.get(state, state)


WAN_TUNNEL = Entity(
    "wan_tunnel",
    labels=(*ROOT_LABELS, *TUNNEL),
    ttl_s=POLLED_TTL_S,
    families=(
        Flag("mist_wan_tunnel_up", "up", "Whether the WAN tunnel is up."),
        Gauge("mist_wan_tunnel_uptime_seconds", "uptime", "Time since the security association of the WAN tunnel was made."),
        timestamp("mist_wan_tunnel_last_flap_timestamp_seconds", "last_flapped", "When the WAN tunnel last went up or down."),
        Counter("mist_wan_tunnel_receive_bytes_total", "rx_bytes", "Bytes received through the WAN tunnel."),
        Counter("mist_wan_tunnel_transmit_bytes_total", "tx_bytes", "Bytes sent through the WAN tunnel."),
        Counter("mist_wan_tunnel_receive_packets_total", "rx_pkts", "Packets received through the WAN tunnel."),
        Counter("mist_wan_tunnel_transmit_packets_total", "tx_pkts", "Packets sent through the WAN tunnel."),
        Info(
            "mist_wan_tunnel_info",
            {
                "protocol": "protocol", "local_ip": "ip", "peer_ip": "peer_ip", "ike_version": "ike_version",
                "authentication": "auth_algo", "encryption": "encrypt_algo", "last_event": "last_event",
            },
            "Addresses and algorithms of the WAN tunnel, and why it last went down.",
            reads=("priority", "tunnel_name", "wan_name", "node", "peer_host"),
        ),
    ),
)  # fmt: skip

VPN_PEER = Entity(
    "vpn_peer",
    labels=(*ROOT_LABELS, *VPN),
    ttl_s=POLLED_TTL_S,
    families=(
        Flag("mist_vpn_peer_up", "up", "Whether the VPN link to the peer is up."),
        Flag("mist_vpn_peer_active", "is_active", "Whether this link is the one in use among redundant ones."),
        Gauge("mist_vpn_peer_uptime_seconds", "uptime", "Time since the VPN link came up, as the gateway tells it."),
        timestamp("mist_vpn_peer_last_seen_timestamp_seconds", "last_seen", "When the VPN link was last seen."),
        Gauge("mist_vpn_peer_latency_seconds", "latency", "Latency to the peer, as last sampled.", MILLISECONDS),
        Gauge("mist_vpn_peer_jitter_seconds", "jitter", "Jitter to the peer, as last sampled.", MILLISECONDS),
        Gauge("mist_vpn_peer_loss_ratio", "loss", "Share of packets lost to the peer, as last sampled.", PERCENT),
        Gauge("mist_vpn_peer_mean_opinion_score", "mos", "Quality of the link as a caller would rate it: 1 is bad, 4.5 the best."),
        Gauge("mist_vpn_peer_mtu_bytes", "mtu", "Largest packet on the VPN link."),
        Info(
            "mist_vpn_peer_info",
            {"type": "type", "router": "router_name", "peer_router": "peer_router_name", "peer_site_id": "peer_site_id"},
            "Kind of the VPN link (svr on SSR, ipsec on SRX), and the routers at its ends.",
        ),
    ),
)  # fmt: skip

BGP_PEER = Entity(
    "bgp_peer",
    labels=(*ROOT_LABELS, *BGP),
    ttl_s=POLLED_TTL_S,
    families=(
        Flag("mist_bgp_peer_up", "up", "Whether the BGP session is established."),
        StateSet("mist_bgp_peer_state", "state", "State of the BGP session.", BGP_STATES, fold=bgp_state),
        Gauge("mist_bgp_peer_uptime_seconds", "uptime", "Time since the BGP session was established."),
        timestamp("mist_bgp_peer_report_timestamp_seconds", "timestamp", "When the device told the state of the BGP session."),
        Counter("mist_bgp_peer_receive_packets_total", "rx_pkts", "Packets of BGP received from the neighbor."),
        Counter("mist_bgp_peer_transmit_packets_total", "tx_pkts", "Packets of BGP sent to the neighbor."),
        Gauge("mist_bgp_peer_received_routes", "rx_routes", "Routes received from the neighbor."),
        Gauge("mist_bgp_peer_advertised_routes", "tx_routes", "Routes advertised to the neighbor."),
        Flag("mist_bgp_peer_overlay", "for_overlay", "Whether the session was made for the overlay."),
        Flag("mist_bgp_peer_evpn_overlay", "evpn_overlay", "Whether the session was made for an EVPN overlay."),
        Info(
            "mist_bgp_peer_info",
            {"local_as": "local_as", "neighbor_as": "neighbor_as", "neighbor_mac": "neighbor_mac"},
            "Autonomous systems at both ends, and the neighbor's MAC where it is a device of the same org.",
        ),
    ),
)  # fmt: skip

OBJECTS = (
    Object(
        "wan_tunnel",
        (WAN_TUNNEL,),
        (*ROOT_LABELS, *TUNNEL),
        fields={"tunnel": "tunnel_name", "wan": "wan_name", "peer": "peer_host"},
        identity=("mac", *TUNNEL),
        rest="wan_tunnel",
        inside=("gateway.tunnels",),
    ),
    Object(
        "vpn_peer",
        (VPN_PEER,),
        (*ROOT_LABELS, *VPN),
        identity=("mac", *VPN),
        rest="vpn_peer",
        inside=("gateway.vpn_peers",),
    ),
    Object(
        "bgp_peer",
        (BGP_PEER,),
        (*ROOT_LABELS, *BGP),
        fields={"vrf": "vrf_name"},
        identity=("mac", *BGP),
        rest="bgp_peer",
        inside=("gateway.bgp_peers",),
    ),
)
