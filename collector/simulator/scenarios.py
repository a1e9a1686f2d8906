"""The scenarios: failures as data, so that every alert can be fired and every dashboard can be tested.

The key `action` of a step is one of:

- `override`: hold the fields `set` of the payloads of `kind` at values (see `fleet.overrides`); `device` is the index of
  a device at the site (-1 for the last one), without it all devices are affected
- `disconnect`: disconnect devices; with `every_s` disconnect and reconnect them alternately
- `event`: send an event of a `topic`, `times` times, every `every_s` seconds; `final_event` is sent when the scenario ends
- `fault`: inject the fault `kind` (see `faults`)
- `revoke_tokens`: make every API token invalid
- `malformed_frames`: send `count` malformed frames every `every_s` seconds

`at_s` and `for_s` are start and duration in seconds of simulated time; without `for_s` a step ends with its scenario. In
events, `$site_id`, `$org_id`, `$zone_id`, `$mac` (the first device of `kind`), `$now` and `$id` (a new UUID) are replaced
by their values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Step = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A scenario.

    Attributes:
        name: Name for the command line and the control endpoint.
        description: One sentence for users.
        alerts: Alerts that it fires.
        steps: Its steps.
        per_site: Whether it runs at one site, and can run at several sites at the same time.
    """

    name: str
    description: str
    alerts: tuple[str, ...]
    steps: tuple[Step, ...]
    per_site: bool = True


def _override(kind: str, device: int | None = None, *, where: dict[str, Any] | None = None, **more: Any) -> Step:
    return {
        "action": "override",
        "kind": kind,
        "device": device,
        "where": where or {},
        "set": more.pop("fields"),
        **more,
    }


def _disconnect(kind: str, **more: Any) -> Step:
    return {"action": "disconnect", "kind": kind, **more}


def _event(topic: str, event: dict[str, Any], **more: Any) -> Step:
    return {
        "action": "event",
        "topic": topic,
        "event": {"org_id": "$org_id", "site_id": "$site_id", "timestamp": "$now"} | event,
        **more,
    }


def _fault(kind: str, **more: Any) -> Step:
    return {"action": "fault", "kind": kind, **more}


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

# Random conditions of the fleet that would fire an alert, held at normal values.
_HEALTHY: tuple[Step, ...] = (
    _override("ap", fields={"radio_stat.*.util_all": 31, "radio_stat.*.noise_floor": -93, "cpu_util": 22, "mem_used_kb": {"share": 0.5, "of": "mem_total_kb"}, "expiring_certs.*": {"start_plus_s": 20_000_000}}),
    _override(
        "switch",
        fields={
            "dhcpd_stat.*.num_leased": {"share": 0.4, "of": "num_ips"}, "module_stat.*.psus.*.status": "ok", "module_stat.*.fans.*.status": "ok",
            "module_stat.*.temperatures.*.celsius": 44, "module_stat.*.poe.power_draw": {"share": 0.35, "of": "max_power"},
            "cpu_stat.usage": 18, "memory_stat.usage": 40,
        },
    ),
    _override(
        "gateway",
        fields={
            "dhcpd_stat.*.num_leased": {"share": 0.4, "of": "num_ips"}, "dhcpd2_stat.*.num_leased": {"share": 0.4, "of": "num_ips"},
            "module_stat.*.temperatures.*.celsius": 48, "module2_stat.*.temperatures.*.celsius": 48, "spu_stat.*.spu_cpu": 20, "spu2_stat.*.spu_cpu": 20,
            "spu_stat.*.spu_current_session": 900, "cpu_stat.usage": 18, "cpu2_stat.usage": 18, "memory_stat.usage": 40, "memory2_stat.usage": 40,
            "vpn_peers.*.latency": 24.0, "vpn_peers.*.jitter": 1.2, "cluster_config.secondary_node_health": "Healthy",
        },
    ),
    _override("mxedge", fields={"cpu_stat.usage": 20, "memory_stat.usage": 45}),
    _override("client", fields={"rssi": -58, "snr": 35, "tx_retries": 0, "rx_retries": 0}),
    _override("port", fields={"rx_errors": 0, "tx_errors": 0}),
)  # fmt: skip

_PEERS_DOWN = {"vpn_peers.*.up": False, "tunnels.*.up": False, "bgp_peers.*.up": False, "bgp_peers.*.state": "active"}

SCENARIOS: dict[str, Scenario] = {
    one.name: one
    for one in (
        Scenario(name="calm", description="Nothing fails; the background for other scenarios.", alerts=(), steps=_HEALTHY, per_site=False),
        # sites and devices
        Scenario(
            name="site-outage", description="A site loses power: all of its devices disconnect, the gateway first.",
            alerts=("MistSiteDown", "MistGatewayDown", "MistSwitchDown", "MistAccessPointDown"),
            steps=(_disconnect("gateway"), _disconnect("switch", at_s=2), _disconnect("ap", at_s=4)),
        ),
        Scenario(
            name="gateway-down", description="The gateways of a site disconnect; the other devices stay connected through a path that Mist does not manage.",
            alerts=("MistGatewayDown", "MistSiteDegraded"), steps=(_disconnect("gateway"),),
        ),
        Scenario(name="switch-down", description="A switch disconnects.", alerts=("MistSwitchDown",), steps=(_disconnect("switch", device=0),)),
        Scenario(name="ap-down", description="An access point disconnects.", alerts=("MistAccessPointDown",), steps=(_disconnect("ap", device=0),)),
        Scenario(
            name="ap-flapping", description="An access point disconnects from Mist repeatedly.", alerts=("MistDeviceFlapping",),
            steps=(_disconnect("ap", device=0, every_s=60),),
        ),
        Scenario(
            name="reboot-loop", description="An access point restarts repeatedly, which is visible only in its uptime.", alerts=("MistDeviceRestarting",),
            steps=(_override("ap", 0, fields={"uptime": {"share": 0.0, "of": "uptime"}}, for_s=20, every_s=60),),
        ),
        Scenario(
            name="busy-switch", description="A loop keeps the CPU of a switch busy.", alerts=("MistDeviceBusy",),
            steps=(_override("switch", 0, fields={"cpu_stat.usage": 98, "cpu_stat.interrupt": 80, "cpu_stat.idle": 2}),),
        ),
        Scenario(name="memory-leak", description="A gateway runs out of memory.", alerts=("MistDeviceMemoryLow",), steps=(_override("gateway", 0, fields={"memory_stat.usage": 97}),)),
        Scenario(
            name="certificates", description="The certificates of a switch expire within a week.", alerts=("MistCertificateExpiring", "MistCertificateExpiringSoon"),
            steps=(_override("switch", 0, fields={"cert_expiry": {"start_plus_s": 400_000}}),),
        ),
        Scenario(
            name="failed-upgrade", description="A firmware upgrade of a switch fails.", alerts=("MistFirmwareUpdateFailed",),
            steps=(_override("switch", 0, fields={"fwupdate.status": "failed", "fwupdate.progress": 40}),),
        ),
        Scenario(
            name="critical-alarm", description="Mist raises a critical alarm: DHCP fails.", alerts=("MistCriticalAlarm",),
            steps=(_event("alarms", _ALARM, final_event={"status": "resolved", "resolved_time": "$now"}),),
        ),
        # Wi-Fi, clients, locations
        Scenario(
            name="dfs-storm", description="Radar detections force radios to change channels.", alerts=("MistDfsStorm",),
            steps=(_event("device-events", _RADAR, kind="ap", times=120, every_s=15),),
        ),
        Scenario(
            name="lunch-rush", description="Many clients arrive at once: radios are saturated, DHCP addresses run low, the canteen exceeds its occupancy limit.",
            alerts=("MistRadioSaturated", "MistDhcpPoolLow", "MistZoneOverLimit"),
            steps=(
                _override("ap", fields={"radio_stat.*.util_all": 88, "radio_stat.*.util_rx_in_bss": 40, "radio_stat.*.num_clients": 38}),
                _override("gateway", 0, fields={"dhcpd_stat.*.num_leased": {"share": 0.95, "of": "num_ips"}}),
                {"action": "event", "topic": "occupancy-alerts", "event": {"site_id": "$site_id", "alert_events": [_ZONE]},
                 "final_event": {"alert_events": [_ZONE | {"type": "COMPLIANCE-OK", "current_occupancy": 4}]}},
            ),
        ),
        Scenario(name="noise", description="A non-Wi-Fi source interferes on 5 GHz.", alerts=("MistRadioNoisy",), steps=(_override("ap", 0, fields={"radio_stat.band_5.noise_floor": -66, "radio_stat.band_5.util_non_wifi": 20}),)),
        Scenario(name="weak-signal", description="Clients on all bands have a weak signal.", alerts=("MistClientSignalPoor",), steps=(_override("client", fields={"rssi": -84, "snr": 9}),)),
        Scenario(name="retries", description="Two of three frames to clients are retried.", alerts=("MistClientRetriesHigh",), steps=(_override("client", fields={"tx_retries": {"add_per_s": 40}, "tx_pkts": {"add_per_s": 60}, "tx_packets": {"add_per_s": 60}}),)),
        Scenario(
            name="joins-failing", description="Clients fail to connect.", alerts=("MistClientJoinsFailing",),
            steps=(_event("site-sle", {"sle": {"successful-connect": 0.52}}, final_event={"sle": {"successful-connect": 0.98}}),),
        ),
        Scenario(
            name="nac-denials", description="An expired certificate makes NAC deny all clients.", alerts=("MistNacDenialsSurging",),
            steps=(_event("nac-events", _DENIED, kind="ap", times=900, every_s=2),),
        ),
        # wired
        Scenario(
            name="poe-exhaustion", description="A switch uses its entire PoE budget.", alerts=("MistPoeBudgetLow", "MistPoeBudgetExhausted"),
            steps=(_override("switch", 0, fields={"module_stat.*.poe.power_draw": {"share": 0.99, "of": "max_power"}}),),
        ),
        Scenario(
            name="bad-cable", description="A port has receive errors, and its link flaps.", alerts=("MistSwitchPortErrors", "MistSwitchPortFlapping"),
            steps=(_override("port", where={"port_id": "ge-0/0/1", "type": "switch"}, fields={"rx_errors": {"add_per_s": 40}, "last_flapped": {"floor_to_s": 200}}),),
        ),
        Scenario(
            name="hot-closet", description="The cooling of a network closet fails, then a fan, then a power supply.",
            alerts=("MistTemperatureHigh", "MistFanFailed", "MistPowerSupplyFailed"),
            steps=(
                _override("switch", 0, fields={"module_stat.*.temperatures.*.celsius": 87}),
                _override("switch", 0, fields={"module_stat.*.fans.*.status": "failed", "module_stat.*.psus.*.status": "failed"}, at_s=5),
            ),
        ),
        Scenario(name="member-missing", description="A member of a virtual chassis is missing.", alerts=("MistVirtualChassisMemberMissing",), steps=(_override("switch", fields={"module_stat.*.status": "disconnected"}),)),
        # WAN
        Scenario(
            name="wan-link-down", description="The WAN link of a gateway goes down, with its tunnels and peers.",
            alerts=("MistWanLinkDown", "MistWanTunnelDown", "MistVpnPeerDown", "MistBgpPeerDown"),
            steps=(_override("gateway", 0, fields={"if_stat.ge-0/0/0#0.up": False, **_PEERS_DOWN}),),
        ),
        Scenario(
            name="peers-down", description="The remote end loses its tunnels and peers; the WAN link stays up.", alerts=("MistWanTunnelDown", "MistVpnPeerDown", "MistBgpPeerDown"),
            steps=(_override("gateway", 0, fields=_PEERS_DOWN),),
        ),
        Scenario(
            name="wan-brownout", description="The WAN link is up, with high latency and packet loss.", alerts=("MistWanBrownout",),
            steps=(_override("gateway", 0, fields={"vpn_peers.*.latency": 480.0, "vpn_peers.*.loss": 7.0, "vpn_peers.*.jitter": 60.0, "vpn_peers.*.mos": 2.1}),),
        ),
        Scenario(
            name="dhcp-exhaustion", description="A DHCP pool has no free address.", alerts=("MistDhcpPoolLow", "MistDhcpPoolExhausted"),
            steps=(_override("gateway", 0, fields={"dhcpd_stat.guest.num_leased": {"share": 1.0, "of": "num_ips"}}),),
        ),
        Scenario(
            name="session-flood", description="A scan fills the session table of a gateway.", alerts=("MistGatewaySessionsHigh", "MistGatewaySpuBusy"),
            steps=(_override("gateway", 0, fields={"spu_stat.*.spu_current_session": 32_500, "spu_stat.*.spu_cpu": 97}),),
        ),
        Scenario(
            name="cluster-split", description="The nodes of a cluster lose their control link.", alerts=("MistGatewayClusterDegraded",),
            steps=(_override("gateway", fields={"cluster_config.status": "Red", "cluster_config.control_link_info.status": "Down"}),),
        ),
        # Mist Edges
        Scenario(name="edge-down", description="A Mist Edge disconnects.", alerts=("MistEdgeDown",), steps=(_disconnect("mxedge", device=0),), per_site=False),
        Scenario(
            name="edge-trouble", description="The tunnel service of a Mist Edge stops, and a port loses its link.", alerts=("MistEdgeServiceDown", "MistEdgePortDown"),
            steps=(_override("mxedge", -1, fields={"service_stat.tunterm.running_state": "Stopped", "port_stat.port1.up": False}),), per_site=False,
        ),
        # the collector
        Scenario(name="collector-blind", description="The streams stay connected, but deliver no messages.", alerts=("MistCollectorStreamBlind",), steps=(_fault("half_open"),), per_site=False),
        Scenario(name="stream-down", description="The Mist streams are unreachable.", alerts=("MistCollectorStreamDown",), steps=(_fault("stream_down"),), per_site=False),
        Scenario(
            name="rights-lost", description="The token loses access to a site, which is then only in the inventory.", alerts=("MistCollectorChannelsRefused", "MistCollectorSiteStale"),
            steps=(_fault("revoke_site", site_id="$site_id"),),
        ),
        Scenario(
            name="token-refused", description="The token is revoked.", alerts=("MistCollectorTokenRefused",),
            steps=({"action": "revoke_tokens"},), per_site=False,
        ),
        Scenario(
            name="rest-failing", description="REST calls fail: polls are late, and after an hour the inventory is stale.",
            alerts=("MistCollectorPollLate", "MistCollectorInventoryStale"), steps=(_fault("rest_status", status=503),), per_site=False,
        ),
        Scenario(
            name="mist-unreachable", description="The collector cannot reach Mist, neither streams nor REST, so the state of all sites is unknown.",
            alerts=("MistCollectorStreamDown", "MistCollectorPollLate", "MistCollectorInventoryStale", "MistSiteUnheard"),
            steps=(_fault("stream_down"), _fault("rest_status", status=503)), per_site=False,
        ),
        Scenario(
            name="site-silent", description="The channel of a site stays subscribed, but delivers no messages, although its devices are connected.", alerts=("MistCollectorSiteStale",),
            steps=(_fault("silent_channel", channel="/sites/$site_id/stats/devices"),),
        ),
        Scenario(
            name="token-shared", description="Another program uses most of the hourly call limit of the token; the used calls stay counted until the next hour.", alerts=("MistCollectorRestBudgetLow",),
            steps=(_fault("shared_token", share=0.92),), per_site=False,
        ),
        Scenario(
            name="label-flood", description="Every event has a new type; above the label limit they are counted as other.", alerts=("MistCollectorLabelsCapped",),
            steps=(_event("device-events", {"type": "$id", "ap": "$mac"}, kind="ap", times=5000, every_s=0.25),), per_site=False,
        ),
        Scenario(
            name="wrong-secret", description="Webhooks have signatures of another secret.", alerts=("MistCollectorWebhookSignatures",),
            steps=(_fault("bad_signature"), _event("device-events", {"type": "AP_CONFIGURED", "ap": "$mac"}, kind="ap", times=600, every_s=10)), per_site=False,
        ),
        Scenario(
            name="malformed-frames", description="A tenth of the stream frames is not JSON.", alerts=("MistCollectorDropping",), steps=({"action": "malformed_frames", "every_s": 2, "count": 3},), per_site=False,
        ),
    )
}  # fmt: skip
