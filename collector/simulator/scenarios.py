"""The scenarios: what goes wrong, as data, so that each alert can be seen to fire and each dashboard to react.

A step says what to `do`:

- `bend`: hold `set` fields of what `kind` says (see `fleet.bends`); `device` is its place at the site (-1: the last), absent: all
- `cut`: disconnect devices; `every_s` connects and disconnects them in turn
- `tell`: send an event of a `topic`, `times` times, every `every_s`; `in_the_end` is sent when the step ends
- `fault`: a fault of the cloud (see `faults`)
- `tokens`: no API token is good

`at_s` and `for_s` are seconds of the fleet's life since the scenario began; without `for_s` a step ends with the
scenario. In events `$site_id`, `$org_id`, `$mac` (the first device of `kind`), `$now` and `$id` (a new one) stand for
what they name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Step = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A story. `alerts` are those that it makes fire; `of_site`: it plays at one site, and can play at several."""

    name: str
    says: str
    alerts: tuple[str, ...]
    steps: tuple[Step, ...]
    of_site: bool = True


def _bend(kind: str, device: int | None = None, *, where: dict[str, Any] | None = None, **more: Any) -> Step:
    return {"do": "bend", "kind": kind, "device": device, "where": where or {}, "set": more.pop("fields"), **more}


def _event(topic: str, event: dict[str, Any], **more: Any) -> Step:
    return {
        "do": "tell",
        "topic": topic,
        "event": {"org_id": "$org_id", "site_id": "$site_id", "timestamp": "$now"} | event,
        **more,
    }


_ALARM = {
    "id": "scenario-$site_id", "type": "infra_dhcp_failure", "group": "infrastructure", "severity": "critical", "count": 1, "status": "open",
}  # fmt: skip
_RADAR = {
    "type": "AP_RADAR_DETECTED", "ev_type": "WARN", "reason": "radar-detected", "ap": "$mac", "mac": "$mac", "device_type": "ap",
    "band": "5", "channel": 36, "pre_channel": 124,
}  # fmt: skip
_DENIED = {
    "type": "NAC_CLIENT_DENY", "auth_type": "eap-tls", "client_type": "wireless", "mac": "02000000aaaa", "ap": "$mac",
    "session_id": "$id",
}  # fmt: skip
_ZONE = {
    "type": "COMPLIANCE-VIOLATION",
    "zone_id": "$zone_id",
    "current_occupancy": 34,
    "occupancy_limit": 20,
    "org_id": "$org_id",
    "timestamp": "$now",
}

# What a fleet does by chance and an alert would rightly speak of, held at what is usual.
_WELL: tuple[Step, ...] = (
    _bend("ap", fields={"radio_stat.*.util_all": 31, "radio_stat.*.noise_floor": -93, "cpu_util": 22, "mem_used_kb": {"share": 0.5, "of": "mem_total_kb"}, "expiring_certs.*": {"in_s": 20_000_000}}),
    _bend(
        "switch",
        fields={
            "dhcpd_stat.*.num_leased": {"share": 0.4, "of": "num_ips"}, "module_stat.*.psus.*.status": "ok", "module_stat.*.fans.*.status": "ok",
            "module_stat.*.temperatures.*.celsius": 44, "module_stat.*.poe.power_draw": {"share": 0.35, "of": "max_power"},
            "cpu_stat.usage": 18, "memory_stat.usage": 40,
        },
    ),
    _bend(
        "gateway",
        fields={
            "dhcpd_stat.*.num_leased": {"share": 0.4, "of": "num_ips"}, "dhcpd2_stat.*.num_leased": {"share": 0.4, "of": "num_ips"},
            "module_stat.*.temperatures.*.celsius": 48, "module2_stat.*.temperatures.*.celsius": 48, "spu_stat.*.spu_cpu": 20, "spu2_stat.*.spu_cpu": 20,
            "spu_stat.*.spu_current_session": 900, "cpu_stat.usage": 18, "cpu2_stat.usage": 18, "memory_stat.usage": 40, "memory2_stat.usage": 40,
            "vpn_peers.*.latency": 24.0, "vpn_peers.*.jitter": 1.2, "cluster_config.secondary_node_health": "Healthy",
        },
    ),
    _bend("mxedge", fields={"cpu_stat.usage": 20, "memory_stat.usage": 45}),
    _bend("client", fields={"rssi": -58, "snr": 35, "tx_retries": 0, "rx_retries": 0}),
    _bend("port", fields={"rx_errors": 0, "tx_errors": 0}),
)  # fmt: skip

_PEERS_DOWN = {"vpn_peers.*.up": False, "tunnels.*.up": False, "bgp_peers.*.up": False, "bgp_peers.*.state": "active"}

SCENARIOS: dict[str, Scenario] = {
    one.name: one
    for one in (
        Scenario(name="calm", says="Nothing goes wrong anywhere: the background for the others.", alerts=(), steps=_WELL, of_site=False),
        # sites and devices
        Scenario(
            name="site-outage", says="A site loses its power: everything in it disconnects, the gateway first.",
            alerts=("MistSiteDown", "MistGatewayDown", "MistSwitchDown", "MistAccessPointDown"),
            steps=({"do": "cut", "kind": "gateway"}, {"do": "cut", "kind": "switch", "at_s": 2}, {"do": "cut", "kind": "ap", "at_s": 4}),
        ),
        Scenario(
            name="gateway-down", says="The gateways of a site disconnect; the rest goes on over a path that Mist does not see.",
            alerts=("MistGatewayDown", "MistSiteDegraded"), steps=({"do": "cut", "kind": "gateway"},),
        ),
        Scenario(name="switch-down", says="A switch disconnects.", alerts=("MistSwitchDown",), steps=({"do": "cut", "kind": "switch", "device": 0},)),
        Scenario(name="ap-down", says="An access point disconnects.", alerts=("MistAccessPointDown",), steps=({"do": "cut", "kind": "ap", "device": 0},)),
        Scenario(
            name="ap-flapping", says="An access point loses Mist again and again.", alerts=("MistDeviceFlapping",),
            steps=({"do": "cut", "kind": "ap", "device": 0, "every_s": 60},),
        ),
        Scenario(
            name="reboot-loop", says="An access point starts again and again; the cloud sees it by its uptime.", alerts=("MistDeviceRestarting",),
            steps=(_bend("ap", 0, fields={"uptime": {"share": 0.0, "of": "uptime"}}, for_s=20, every_s=60),),
        ),
        Scenario(
            name="busy-switch", says="A loop keeps a switch's processor busy.", alerts=("MistDeviceBusy",),
            steps=(_bend("switch", 0, fields={"cpu_stat.usage": 98, "cpu_stat.interrupt": 80, "cpu_stat.idle": 2}),),
        ),
        Scenario(name="memory-leak", says="A gateway runs out of memory.", alerts=("MistDeviceMemoryLow",), steps=(_bend("gateway", 0, fields={"memory_stat.usage": 97}),)),
        Scenario(
            name="certificates", says="The certificates of a switch end within the week.", alerts=("MistCertificateExpiring", "MistCertificateExpiringSoon"),
            steps=(_bend("switch", 0, fields={"cert_expiry": {"in_s": 400_000}}),),
        ),
        Scenario(
            name="failed-upgrade", says="A switch does not take its new firmware.", alerts=("MistFirmwareUpdateFailed",),
            steps=(_bend("switch", 0, fields={"fwupdate.status": "failed", "fwupdate.progress": 40}),),
        ),
        Scenario(
            name="critical-alarm", says="Mist raises a critical alarm: DHCP fails.", alerts=("MistCriticalAlarm",),
            steps=(_event("alarms", _ALARM, in_the_end={"status": "resolved", "resolved_time": "$now"}),),
        ),
        # Wi-Fi and people
        Scenario(
            name="dfs-storm", says="Radar moves radios from channel to channel.", alerts=("MistDfsStorm",),
            steps=(_event("device-events", _RADAR, kind="ap", times=120, every_s=15),),
        ),
        Scenario(
            name="lunch-rush", says="Everybody comes at once: radios are full, addresses run out, the canteen is over its limit.",
            alerts=("MistRadioSaturated", "MistDhcpPoolLow", "MistZoneOverLimit"),
            steps=(
                _bend("ap", fields={"radio_stat.*.util_all": 88, "radio_stat.*.util_rx_in_bss": 40, "radio_stat.*.num_clients": 38}),
                _bend("gateway", 0, fields={"dhcpd_stat.*.num_leased": {"share": 0.95, "of": "num_ips"}}),
                {"do": "tell", "topic": "occupancy-alerts", "event": {"site_id": "$site_id", "alert_events": [_ZONE]},
                 "in_the_end": {"alert_events": [_ZONE | {"type": "COMPLIANCE-OK", "current_occupancy": 4}]}},
            ),
        ),
        Scenario(name="noise", says="Something that is no Wi-Fi sends on 5 GHz.", alerts=("MistRadioNoisy",), steps=(_bend("ap", 0, fields={"radio_stat.band_5.noise_floor": -66, "radio_stat.band_5.util_non_wifi": 20}),)),
        Scenario(name="weak-signal", says="Clients on all bands hear poorly.", alerts=("MistClientSignalPoor",), steps=(_bend("client", fields={"rssi": -84, "snr": 9}),)),
        Scenario(name="retries", says="Two of three frames to clients are sent again.", alerts=("MistClientRetriesHigh",), steps=(_bend("client", fields={"tx_retries": {"grow_per_s": 40}, "tx_pkts": {"grow_per_s": 60}, "tx_packets": {"grow_per_s": 60}}),)),
        Scenario(
            name="joins-failing", says="Clients fail to connect.", alerts=("MistClientJoinsFailing",),
            steps=(_event("site-sle", {"sle": {"successful-connect": 0.52}}, in_the_end={"sle": {"successful-connect": 0.98}}),),
        ),
        Scenario(
            name="nac-denials", says="A certificate ended: access control turns everybody away.", alerts=("MistNacDenialsSurging",),
            steps=(_event("nac-events", _DENIED, kind="ap", times=900, every_s=2),),
        ),
        # wires
        Scenario(
            name="poe-exhaustion", says="A switch gives all the power it has.", alerts=("MistPoeBudgetLow", "MistPoeBudgetExhausted"),
            steps=(_bend("switch", 0, fields={"module_stat.*.poe.power_draw": {"share": 0.99, "of": "max_power"}}),),
        ),
        Scenario(
            name="bad-cable", says="Packets on a port are damaged, and its link flaps.", alerts=("MistSwitchPortErrors", "MistSwitchPortFlapping"),
            steps=(_bend("port", where={"port_id": "ge-0/0/1", "type": "switch"}, fields={"rx_errors": {"grow_per_s": 40}, "last_flapped": {"turn_every_s": 200}}),),
        ),
        Scenario(
            name="hot-closet", says="The air conditioning of a cabinet fails, then a fan, then a power supply.",
            alerts=("MistTemperatureHigh", "MistFanFailed", "MistPowerSupplyFailed"),
            steps=(
                _bend("switch", 0, fields={"module_stat.*.temperatures.*.celsius": 87}),
                _bend("switch", 0, fields={"module_stat.*.fans.*.status": "failed", "module_stat.*.psus.*.status": "failed"}, at_s=5),
            ),
        ),
        Scenario(name="member-missing", says="A member of a virtual chassis is gone.", alerts=("MistVirtualChassisMemberMissing",), steps=(_bend("switch", fields={"module_stat.*.status": "disconnected"}),)),
        # WAN
        Scenario(
            name="wan-link-down", says="The provider's line of a gateway is cut; tunnels and peers go with it.",
            alerts=("MistWanLinkDown", "MistWanTunnelDown", "MistVpnPeerDown", "MistBgpPeerDown"),
            steps=(_bend("gateway", 0, fields={"if_stat.ge-0/0/0#0.up": False, **_PEERS_DOWN}),),
        ),
        Scenario(
            name="peers-down", says="The far end loses its tunnels and peers; the line is well.", alerts=("MistWanTunnelDown", "MistVpnPeerDown", "MistBgpPeerDown"),
            steps=(_bend("gateway", 0, fields=_PEERS_DOWN),),
        ),
        Scenario(
            name="wan-brownout", says="The line is up, slow, and loses packets.", alerts=("MistWanBrownout",),
            steps=(_bend("gateway", 0, fields={"vpn_peers.*.latency": 480.0, "vpn_peers.*.loss": 7.0, "vpn_peers.*.jitter": 60.0, "vpn_peers.*.mos": 2.1}),),
        ),
        Scenario(
            name="dhcp-exhaustion", says="A pool has no address left.", alerts=("MistDhcpPoolLow", "MistDhcpPoolExhausted"),
            steps=(_bend("gateway", 0, fields={"dhcpd_stat.guest.num_leased": {"share": 1.0, "of": "num_ips"}}),),
        ),
        Scenario(
            name="session-flood", says="A scan fills the gateway's table of sessions.", alerts=("MistGatewaySessionsHigh", "MistGatewaySpuBusy"),
            steps=(_bend("gateway", 0, fields={"spu_stat.*.spu_current_session": 32_500, "spu_stat.*.spu_cpu": 97}),),
        ),
        Scenario(
            name="cluster-split", says="The nodes of a cluster do not see each other.", alerts=("MistGatewayClusterDegraded",),
            steps=(_bend("gateway", fields={"cluster_config.status": "Red", "cluster_config.control_link_info.status": "Down"}),),
        ),
        # Mist Edges
        Scenario(name="edge-down", says="A Mist Edge disconnects.", alerts=("MistEdgeDown",), steps=({"do": "cut", "kind": "mxedge", "device": 0},), of_site=False),
        Scenario(
            name="edge-trouble", says="The tunnels' service of a Mist Edge stops, and a port loses its link.", alerts=("MistEdgeServiceDown", "MistEdgePortDown"),
            steps=(_bend("mxedge", -1, fields={"service_stat.tunterm.running_state": "Stopped", "port_stat.port1.up": False}),), of_site=False,
        ),
        # the collector
        Scenario(name="collector-blind", says="The streams stay open and nothing comes: a frozen feed.", alerts=("MistCollectorStreamBlind",), steps=({"do": "fault", "kind": "half_open"},), of_site=False),
        Scenario(name="stream-down", says="Mist's streams cannot be reached.", alerts=("MistCollectorStreamDown",), steps=({"do": "fault", "kind": "stream_down"},), of_site=False),
        Scenario(
            name="rights-lost", says="The token loses its rights to a site; only the inventory still speaks of it.", alerts=("MistCollectorChannelsRefused", "MistCollectorSiteStale"),
            steps=({"do": "fault", "kind": "revoke_site", "site_id": "$site_id"},),
        ),
        Scenario(
            name="token-refused", says="The token is revoked.", alerts=("MistCollectorTokenRefused",),
            steps=({"do": "tokens"},), of_site=False,
        ),
        Scenario(
            name="rest-failing", says="REST answers with errors: polls fail, and in an hour the inventory is old.",
            alerts=("MistCollectorPollLate", "MistCollectorInventoryStale"), steps=({"do": "fault", "kind": "rest_status", "status": 503},), of_site=False,
        ),
        Scenario(
            name="mist-unreachable", says="The collector's own way to Mist is cut: neither streams nor REST, so nothing is known of any site.",
            alerts=("MistCollectorStreamDown", "MistCollectorPollLate", "MistCollectorInventoryStale", "MistSiteUnheard"),
            steps=({"do": "fault", "kind": "stream_down"}, {"do": "fault", "kind": "rest_status", "status": 503}), of_site=False,
        ),
        Scenario(
            name="site-mute", says="A site's channel stays subscribed and brings nothing, though its devices are well.", alerts=("MistCollectorSiteStale",),
            steps=({"do": "fault", "kind": "mute", "channel": "/sites/$site_id/stats/devices"},),
        ),
        Scenario(
            name="token-shared", says="Another program uses nearly all calls of the token; the hour stays used when it ends.", alerts=("MistCollectorRestBudgetLow",),
            steps=({"do": "fault", "kind": "shared_token", "share": 0.92},), of_site=False,
        ),
        Scenario(
            name="label-flood", says="Every event has a type that nobody has seen: beyond a cap they are counted as other.", alerts=("MistCollectorLabelsCapped",),
            steps=(_event("device-events", {"type": "$id", "ap": "$mac"}, kind="ap", times=5000, every_s=0.25),), of_site=False,
        ),
        Scenario(
            name="wrong-secret", says="Webhooks come with signatures of another secret.", alerts=("MistCollectorWebhookSignatures",),
            steps=({"do": "fault", "kind": "bad_signature"}, _event("device-events", {"type": "AP_CONFIGURED", "ap": "$mac"}, kind="ap", times=600, every_s=10)), of_site=False,
        ),
        Scenario(
            name="rubbish", says="A tenth of the frames is no JSON.", alerts=("MistCollectorDropping",), steps=({"do": "rubbish", "every_s": 2, "count": 3},), of_site=False,
        ),
    )
}  # fmt: skip
