"""WAN and gateways: WAN links, tunnels, VPN and BGP peers, DHCP pools, sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mist_screens import messages
from mist_screens.layout import SITE_LINK, Dashboard, Row
from mist_screens.panels import UP, BarGauge, Column, Query, Stat, Table, Thresholds, TimeSeries

if TYPE_CHECKING:
    from mist_screens.panels import Panel
    from mist_screens.settings import Settings

_NAMED = "* on (<device>) group_left (device, site) device:mist_device_info:named{<in_device>}"
_SITE = Column(field="site", title="Site", link=SITE_LINK)
_IDS = (Column(field="site_id", hidden=True), Column(field="mac", hidden=True))


def dashboard(s: Settings) -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        name="wan",
        title="Mist / WAN and gateways",
        description="State and quality of WAN links, tunnels and peers; capacity of the gateways.",
        variables=("org", "site", "device"),
        device_type="gateway",
        rows=(
            Row("Overview", _overview(s)),
            Row("WAN links", _links()),
            Row("Tunnels and peers", _peers(s)),
            Row("Gateways", _gateways(s)),
        ),
    )


def _down(title: str, description: str, record: str) -> Stat:
    return Stat(
        title=title,
        description=description,
        queries=(Query(f"count({record}{{<in_device>}} == 0) or vector(0)"),),
        no_value=messages.NOT_POLLED,
        thresholds=Thresholds(
            "Yellow from 1. The alert ignores standby objects, which were not up within <recent_window>.", warning=1
        ),
    )


def _overview(s: Settings) -> tuple[Panel, ...]:
    return (
        Stat(
            title="Gateways up",
            description="Share of the gateways that are connected to the Mist cloud.",
            queries=(
                Query(
                    'sum(mist_device_up{<in_device>, device_type="gateway"}) / count(mist_device_up{<in_device>, device_type="gateway"})'
                ),
            ),
            no_value=messages.NOT_STREAMED,
            unit="percentunit",
            thresholds=Thresholds("Red below 100%: a site may have no WAN access.", warning=1, critical=0.999),
        ),
        _down(
            "WAN links down", "WAN links that are down, standby links included.", "interface:mist_gateway_wan_up:named"
        ),
        _down(
            "Tunnels down", "WAN tunnels that are down, standby tunnels included.", "tunnel:mist_wan_tunnel_up:named"
        ),
        _down("VPN paths down", "VPN paths that are down, standby paths included.", "peer:mist_vpn_peer_up:named"),
        _down("BGP sessions down", "BGP sessions that are not established.", "peer:mist_bgp_peer_up:named"),
        Stat(
            title="Highest DHCP pool usage",
            description="Highest share of leased addresses of any DHCP pool.",
            queries=(Query("max(pool:mist_dhcp_pool_leases:ratio{<in_device>})"),),
            no_value=messages.NOT_STREAMED,
            unit="percentunit",
            thresholds=Thresholds(
                "Yellow from <dhcp_warning_ratio|percent>, red from <dhcp_critical_ratio|percent>: new clients get no address.",
                warning=s.thresholds["dhcp_warning_ratio"],
                critical=s.thresholds["dhcp_critical_ratio"],
            ),
        ),
    )


def _link_utilization(record: str) -> str:
    """Return a WAN link's rate over the speed of its port; the port is polled by REST."""
    rate = f'label_replace({record}{{<in_device>}}, "port_id", "$1", "interface", "([^.]+).*")'
    return (
        f"{rate} / on (<device>, port_id) group_left () (mist_gateway_port_speed_bytes_per_second{{<in_device>}} > 0)"
    )


def _links() -> tuple[Panel, ...]:
    return (
        Table(
            title="WAN links",
            description="All WAN links with state, throughput and utilization in percent of the link speed. Links that are down are listed first; standby links are expected to be down.",
            queries=(
                Query("interface:mist_gateway_wan_up:named{<in_device>}"),
                Query("8 * interface:mist_gateway_wan_receive_bytes:rate{<in_device>}"),
                Query(_link_utilization("interface:mist_gateway_wan_receive_bytes:rate")),
                Query("8 * interface:mist_gateway_wan_transmit_bytes:rate{<in_device>}"),
                Query(_link_utilization("interface:mist_gateway_wan_transmit_bytes:rate")),
            ),
            no_value=messages.NOT_STREAMED,
            w=24,
            h=9,
            sort_by="State",
            ascending=True,
            exclude=("node", "port_id"),
            columns=(
                Column(field="device", title="Gateway"),
                Column(field="wan", title="WAN link"),
                Column(field="wan_type", title="Type"),
                Column(field="interface", title="Interface"),
                Column(field="Value #A", title="State", mappings=UP),
                Column(field="Value #B", title="Received", unit="bps"),
                Column(field="Value #C", title="Received, % of speed", unit="percentunit"),
                Column(field="Value #D", title="Sent", unit="bps"),
                Column(field="Value #E", title="Sent, % of speed", unit="percentunit"),
                _SITE,
                *_IDS,
            ),
        ),
        TimeSeries(
            title="Top 10 WAN links by received traffic",
            description="Received throughput. A flat top means that the link is saturated.",
            queries=(
                Query("8 * topk(10, interface:mist_gateway_wan_receive_bytes:rate{<in_device>})", "{{device}} {{wan}}"),
            ),
            no_value=messages.NOT_STREAMED,
            unit="bps",
            w=12,
        ),
        TimeSeries(
            title="Top 10 WAN links by sent traffic",
            description="Sent throughput. A flat top means that the link is saturated; on asymmetric links the upstream saturates first.",
            queries=(
                Query(
                    "8 * topk(10, interface:mist_gateway_wan_transmit_bytes:rate{<in_device>})", "{{device}} {{wan}}"
                ),
            ),
            no_value=messages.NOT_STREAMED,
            unit="bps",
            w=12,
        ),
    )


def _peers(s: Settings) -> tuple[Panel, ...]:
    latency, loss, jitter = (
        s.thresholds[f"wan_{what}"] for what in ("latency_seconds", "loss_ratio", "jitter_seconds")
    )
    return (
        TimeSeries(
            title="Top 10 VPN paths by latency",
            description="Latency of VPN paths that are up.",
            queries=(
                Query(
                    f"topk(10, (mist_vpn_peer_latency_seconds{{<in_device>}} and on (<device>, port_id, peer_mac, peer_port_id) mist_vpn_peer_up{{<in_device>}} == 1) {_NAMED})",
                    "{{device}} {{port_id}} to {{peer_port_id}}",
                ),
            ),
            no_value=messages.NOT_POLLED,
            unit="s",
            thresholds=Thresholds(
                f"Dashed: {latency:g} s; voice degrades from 0.15 s one way (ITU-T G.114).", critical=latency
            ),
        ),
        TimeSeries(
            title="Top 10 VPN paths by packet loss",
            description="Packet loss of VPN paths that are up.",
            queries=(
                Query(
                    f"topk(10, (mist_vpn_peer_loss_ratio{{<in_device>}} and on (<device>, port_id, peer_mac, peer_port_id) mist_vpn_peer_up{{<in_device>}} == 1) {_NAMED})",
                    "{{device}} {{port_id}} to {{peer_port_id}}",
                ),
            ),
            no_value=messages.NOT_POLLED,
            unit="percentunit",
            thresholds=Thresholds("Dashed: <wan_loss_ratio|percent>, where video degrades.", critical=loss),
        ),
        TimeSeries(
            title="Top 10 VPN paths by jitter",
            description="Jitter of VPN paths that are up.",
            queries=(
                Query(
                    f"topk(10, (mist_vpn_peer_jitter_seconds{{<in_device>}} and on (<device>, port_id, peer_mac, peer_port_id) mist_vpn_peer_up{{<in_device>}} == 1) {_NAMED})",
                    "{{device}} {{port_id}} to {{peer_port_id}}",
                ),
            ),
            no_value=messages.NOT_POLLED,
            unit="s",
            thresholds=Thresholds(f"Dashed: {jitter:g} s, a usual jitter buffer of a phone.", critical=jitter),
        ),
        Table(
            title="VPN paths",
            description="All VPN paths with state, active path and mean opinion score (MOS; 1 is bad, 4.5 the best). Paths that are down are listed first.",
            queries=(
                Query("peer:mist_vpn_peer_up:named{<in_device>}"),
                Query("mist_vpn_peer_active{<in_device>}"),
                Query("mist_vpn_peer_mean_opinion_score{<in_device>}"),
                Query("mist_vpn_peer_uptime_seconds{<in_device>}"),
            ),
            no_value=messages.NOT_POLLED,
            w=24,
            sort_by="State",
            ascending=True,
            exclude=("peer_mac",),
            columns=(
                Column(field="device", title="Gateway"),
                Column(field="port_id", title="Port"),
                Column(field="peer_router", title="Peer"),
                Column(field="peer_port_id", title="Peer port"),
                Column(field="Value #A", title="State", mappings=UP),
                Column(field="Value #B", title="Active", unit="bool_yes_no"),
                Column(field="Value #C", title="MOS", thresholds=Thresholds("", warning=4, critical=3.5)),
                Column(field="Value #D", title="Uptime", unit="dtdurations"),
                _SITE,
                *_IDS,
            ),
        ),
        Table(
            title="WAN tunnels",
            description="All WAN tunnels with state and uptime. Tunnels that are down are listed first.",
            queries=(
                Query("tunnel:mist_wan_tunnel_up:named{<in_device>}"),
                Query("mist_wan_tunnel_uptime_seconds{<in_device>}"),
            ),
            no_value=messages.NOT_POLLED,
            w=12,
            sort_by="State",
            ascending=True,
            exclude=("node", "peer", "priority"),
            columns=(
                Column(field="device", title="Gateway"),
                Column(field="tunnel", title="Tunnel"),
                Column(field="wan", title="WAN link"),
                Column(field="Value #A", title="State", mappings=UP),
                Column(field="Value #B", title="Uptime", unit="dtdurations"),
                _SITE,
                *_IDS,
            ),
        ),
        Table(
            title="BGP sessions",
            description="All BGP sessions with state and received routes. Sessions that are down are listed first. An established session without routes is a fault.",
            queries=(
                Query("peer:mist_bgp_peer_up:named{<in_device>}"),
                Query("mist_bgp_peer_received_routes{<in_device>}"),
                Query("mist_bgp_peer_uptime_seconds{<in_device>}"),
            ),
            no_value=messages.NOT_POLLED,
            w=12,
            sort_by="State",
            ascending=True,
            exclude=("node",),
            columns=(
                Column(field="device", title="Gateway"),
                Column(field="neighbor", title="Neighbour"),
                Column(field="vrf", title="VRF"),
                Column(field="Value #A", title="State", mappings=UP),
                Column(field="Value #B", title="Received routes"),
                Column(field="Value #C", title="Uptime", unit="dtdurations"),
                _SITE,
                *_IDS,
            ),
        ),
    )


def _gateways(s: Settings) -> tuple[Panel, ...]:
    pool = Thresholds(
        "Yellow from <dhcp_warning_ratio|percent>, red from <dhcp_critical_ratio|percent>.",
        warning=s.thresholds["dhcp_warning_ratio"],
        critical=s.thresholds["dhcp_critical_ratio"],
    )
    return (
        BarGauge(
            title="Top 12 DHCP pools by leased addresses",
            description="Share of leased addresses, by pool; pools of switches included.",
            queries=(Query("topk(12, pool:mist_dhcp_pool_leases:ratio{<in_site>})", "{{device}} {{network}}"),),
            no_value=messages.NOT_STREAMED,
            unit="percentunit",
            maximum=1,
            thresholds=pool,
        ),
        TimeSeries(
            title="Top 10 gateways by session table use",
            description="Share of the session limit in use. At the limit, new sessions are rejected.",
            queries=(Query("topk(10, spu:mist_gateway_spu_sessions:ratio{<in_device>})", "{{device}} {{node}}"),),
            no_value="No data: no gateway with a services processing unit reports",
            unit="percentunit",
            maximum=1,
            thresholds=Thresholds("Dashed: <sessions_ratio|percent>.", critical=s.thresholds["sessions_ratio"]),
        ),
        TimeSeries(
            title="Top 10 gateways by SPU utilization",
            description="Load of the services processing units (SPU).",
            queries=(
                Query(
                    f"topk(10, mist_gateway_spu_cpu_utilization_ratio{{<in_device>}} {_NAMED})", "{{device}} {{node}}"
                ),
            ),
            no_value="No data: no gateway with a services processing unit reports",
            unit="percentunit",
            maximum=1,
            thresholds=Thresholds(
                "Dashed: <spu_busy_ratio|percent>; above it packets are dropped.",
                critical=s.thresholds["spu_busy_ratio"],
            ),
        ),
        Table(
            title="Gateway clusters",
            description="Cluster state. In any state other than green, healthy or up there is no redundancy.",
            queries=(Query(f"(mist_gateway_cluster_status{{<in_device>}} == 1) {_NAMED}"),),
            no_value="None: no cluster, or its gateways do not report",
            w=8,
            exclude=("Value",),
            columns=(Column(field="device", title="Cluster"), Column(field="state", title="State"), _SITE, *_IDS),
        ),
        TimeSeries(
            title="Top 10 gateways by temperature",
            description="Highest temperature of any sensor, by gateway.",
            queries=(
                Query(
                    f"topk(10, max by (<device>) (mist_gateway_temperature_celsius{{<in_device>}}) {_NAMED})",
                    "{{device}}",
                ),
            ),
            no_value=messages.NOT_STREAMED,
            unit="celsius",
            thresholds=Thresholds("Dashed: <temperature_celsius> °C.", critical=s.thresholds["temperature_celsius"]),
        ),
        TimeSeries(
            title="Top 10 gateways by CPU utilization",
            description="CPU utilization of the routing engines.",
            queries=(
                Query(
                    f'topk(10, mist_device_cpu_utilization_ratio{{<in_device>, device_type="gateway"}} {_NAMED})',
                    "{{device}} {{node}}",
                ),
            ),
            no_value=messages.NOT_STREAMED,
            unit="percentunit",
            maximum=1,
            thresholds=Thresholds("Dashed: <cpu_ratio|percent>.", critical=s.thresholds["cpu_ratio"]),
        ),
    )
