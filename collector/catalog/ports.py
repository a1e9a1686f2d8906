"""What the ports of switches and gateways have in common: columns of one port as REST lists it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.metrics.model import Counter, Flag, Gauge, StateSet

if TYPE_CHECKING:
    from collector.metrics.model import AnyFamily

POLLED_TTL_S = 750.0  # two and a half periods of a poll: one may fail before its series end
AUTH_STATES = ("authenticated", "authenticating", "held", "init")
POE_MODES = ("802.3af", "802.3at", "802.3bt")
STP_ROLES = ("alternate", "backup", "designated", "disabled", "root", "root-prevented")
STP_STATES = ("blocking", "disabled", "forwarding", "learning", "listening")


def owner_of(prefix: str) -> str:
    """Whose port: "gateway" of `mist_gateway_port`."""
    return prefix.split("_")[1]


def counters(prefix: str) -> tuple[AnyFamily, ...]:
    """What the port counts, both ways; `prefix` names whose port: `mist_gateway_port`."""
    ways = (("rx", "receive", "received"), ("tx", "transmit", "sent"))
    port = f"the {owner_of(prefix)}'s port"
    return (
        *(Counter(f"{prefix}_{way}_bytes_total", f"{at}_bytes", f"Bytes {done} by {port} since the {owner_of(prefix)} started.") for at, way, done in ways),
        *(Counter(f"{prefix}_{way}_packets_total", f"{at}_pkts", f"Packets {done} by {port} since the {owner_of(prefix)} started.") for at, way, done in ways),
        *(Counter(f"{prefix}_{way}_broadcast_packets_total", f"{at}_bcast_pkts", f"Broadcast packets {done} by {port}.") for at, way, done in ways),
        *(Counter(f"{prefix}_{way}_multicast_packets_total", f"{at}_mcast_pkts", f"Multicast packets {done} by {port}.") for at, way, done in ways),
        Counter(f"{prefix}_receive_errors_total", "rx_errors", f"Errors of {port} while receiving."),
        Counter(f"{prefix}_transmit_errors_total", "tx_errors", f"Errors of {port} while sending."),
    )  # fmt: skip


def power_over_ethernet(prefix: str) -> tuple[AnyFamily, ...]:
    """What the port gives to a powered device. Ports say watts (wire facts 7.12), other than access points."""
    port = f"the {owner_of(prefix)}'s port"
    return (
        Flag(f"{prefix}_poe_disabled", "poe_disabled", f"Whether power over Ethernet is switched off on {port} by configuration."),
        Flag(f"{prefix}_poe_on", "poe_on", f"Whether {port} gives power."),
        Gauge(f"{prefix}_poe_power_draw_watts", "power_draw", f"Power that the device on {port} draws."),
        StateSet(f"{prefix}_poe_mode", "poe_mode", f"Standard by which {port} gives power.", POE_MODES, label="mode"),
    )  # fmt: skip
