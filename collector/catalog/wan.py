"""Tables of WAN tunnels, VPN peers and BGP peers.

REST lists all of an org, and the statistics of a gateway may contain its own; both sources update the same rows. The
labels of a row are configured or fixed (names, ports, device MAC addresses), so that a series continues after a link
flap. IP addresses, which may change with a flap, are labels of the info metrics.
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
    """Return the BGP state as named in RFC 4271; Mist uses open_config for OpenConfirm."""
    state = text.lower()
    return _BGP_SPELLINGS.get(state, state)


WAN_TUNNEL = Entity(
    "wan_tunnel",
    labels=(*ROOT_LABELS, *TUNNEL),
    ttl_s=POLLED_TTL_S,
    families=(
        Flag("mist_wan_tunnel_up", "up", "Whether the WAN tunnel is up."),
        Gauge("mist_wan_tunnel_uptime_seconds", "uptime", "Time since the security association of the WAN tunnel was established."),
        timestamp("mist_wan_tunnel_last_flap_timestamp_seconds", "last_flapped", "Time of the last flap of the WAN tunnel, in seconds since the epoch."),
        Counter("mist_wan_tunnel_receive_bytes_total", "rx_bytes", "Total number of bytes received through the WAN tunnel."),
        Counter("mist_wan_tunnel_transmit_bytes_total", "tx_bytes", "Total number of bytes transmitted through the WAN tunnel."),
        Counter("mist_wan_tunnel_receive_packets_total", "rx_pkts", "Total number of packets received through the WAN tunnel."),
        Counter("mist_wan_tunnel_transmit_packets_total", "tx_pkts", "Total number of packets transmitted through the WAN tunnel."),
        Info(
            "mist_wan_tunnel_info",
            {
                "protocol": "protocol", "local_ip": "ip", "peer_ip": "peer_ip", "ike_version": "ike_version",
                "authentication": "auth_algo", "encryption": "encrypt_algo", "last_event": "last_event",
            },
            "Information about the WAN tunnel: protocol, IP addresses, IKE version, algorithms and last event.",
            reads=("priority", "tunnel_name", "wan_name", "node", "peer_host"),
        ),
    ),
)  # fmt: skip

VPN_PEER = Entity(
    "vpn_peer",
    labels=(*ROOT_LABELS, *VPN),
    ttl_s=POLLED_TTL_S,
    families=(
        Flag("mist_vpn_peer_up", "up", "Whether the VPN peer is up."),
        Flag("mist_vpn_peer_active", "is_active", "Whether the VPN peer path is the active path among redundant ones."),
        Gauge("mist_vpn_peer_uptime_seconds", "uptime", "Time since the VPN peer came up, as reported by the gateway."),
        timestamp("mist_vpn_peer_last_seen_timestamp_seconds", "last_seen", "Time when the VPN peer was last seen, in seconds since the epoch."),
        Gauge("mist_vpn_peer_latency_seconds", "latency", "Last sampled latency to the VPN peer.", MILLISECONDS),
        Gauge("mist_vpn_peer_jitter_seconds", "jitter", "Last sampled jitter to the VPN peer.", MILLISECONDS),
        Gauge("mist_vpn_peer_loss_ratio", "loss", "Last sampled packet loss to the VPN peer.", PERCENT),
        Gauge("mist_vpn_peer_mean_opinion_score", "mos", "Mean opinion score (MOS) of the VPN peer path, from 1 (bad) to 4.5 (best)."),
        Gauge("mist_vpn_peer_mtu_bytes", "mtu", "MTU of the VPN peer path."),
        Info(
            "mist_vpn_peer_info",
            {"type": "type", "router": "router_name", "peer_router": "peer_router_name", "peer_site_id": "peer_site_id"},
            "Information about the VPN peer: type (svr on SSR, ipsec on SRX), routers and site of the peer.",
        ),
    ),
)  # fmt: skip

BGP_PEER = Entity(
    "bgp_peer",
    labels=(*ROOT_LABELS, *BGP),
    ttl_s=POLLED_TTL_S,
    families=(
        Flag("mist_bgp_peer_up", "up", "Whether the BGP session is established."),
        StateSet("mist_bgp_peer_state", "state", "State of the BGP session (1 for the current state).", BGP_STATES, fold=bgp_state),
        Gauge("mist_bgp_peer_uptime_seconds", "uptime", "Time since the BGP session was established."),
        timestamp("mist_bgp_peer_report_timestamp_seconds", "timestamp", "Time when the device reported the state of the BGP session, in seconds since the epoch."),
        Counter("mist_bgp_peer_receive_packets_total", "rx_pkts", "Total number of BGP packets received from the neighbor."),
        Counter("mist_bgp_peer_transmit_packets_total", "tx_pkts", "Total number of BGP packets transmitted to the neighbor."),
        Gauge("mist_bgp_peer_received_routes", "rx_routes", "Number of routes received from the BGP neighbor."),
        Gauge("mist_bgp_peer_advertised_routes", "tx_routes", "Number of routes advertised to the BGP neighbor."),
        Flag("mist_bgp_peer_overlay", "for_overlay", "Whether the BGP session belongs to an overlay."),
        Flag("mist_bgp_peer_evpn_overlay", "evpn_overlay", "Whether the BGP session belongs to an EVPN overlay."),
        Info(
            "mist_bgp_peer_info",
            {"local_as": "local_as", "neighbor_as": "neighbor_as", "neighbor_mac": "neighbor_mac"},
            "Information about the BGP peer: AS numbers of both ends, and MAC address if the neighbor is a device of the organization.",
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
