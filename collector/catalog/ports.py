"""Columns common to switch ports and gateway ports, as listed by the REST port search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.metrics.model import Counter, Flag, Gauge, StateSet

if TYPE_CHECKING:
    from collector.metrics.model import AnyFamily

POLLED_TTL_S = 750.0  # 2.5 poll periods: series survive one failed poll
AUTH_STATES = ("authenticated", "authenticating", "held", "init")
POE_MODES = ("802.3af", "802.3at", "802.3bt")
STP_ROLES = ("alternate", "backup", "designated", "disabled", "root", "root-prevented")
STP_STATES = ("blocking", "disabled", "forwarding", "learning", "listening")


def device_type_of(prefix: str) -> str:
    """Return the device type in a family prefix: "gateway" for `mist_gateway_port`."""
    return prefix.split("_")[1]


def counters(prefix: str) -> tuple[AnyFamily, ...]:
    """Return the packet, byte and error counters of a port.

    Args:
        prefix: Beginning of the family names, for example `mist_gateway_port`.
    """
    directions = (("rx", "receive", "received"), ("tx", "transmit", "transmitted"))
    device = device_type_of(prefix)
    port, since = f"the {device} port", f"since the {device} started"
    return (
        *(Counter(f"{prefix}_{name}_bytes_total", f"{field}_bytes", f"Total number of bytes {verb} on {port} {since}.") for field, name, verb in directions),
        *(Counter(f"{prefix}_{name}_packets_total", f"{field}_pkts", f"Total number of packets {verb} on {port} {since}.") for field, name, verb in directions),
        *(Counter(f"{prefix}_{name}_broadcast_packets_total", f"{field}_bcast_pkts", f"Total number of broadcast packets {verb} on {port}.") for field, name, verb in directions),
        *(Counter(f"{prefix}_{name}_multicast_packets_total", f"{field}_mcast_pkts", f"Total number of multicast packets {verb} on {port}.") for field, name, verb in directions),
        Counter(f"{prefix}_receive_errors_total", "rx_errors", f"Total number of receive errors on {port}."),
        Counter(f"{prefix}_transmit_errors_total", "tx_errors", f"Total number of transmit errors on {port}."),
    )  # fmt: skip


def power_over_ethernet(prefix: str) -> tuple[AnyFamily, ...]:
    """Return the PoE columns of a port.

    Ports report watts, unlike APs, which report milliwatts.

    Args:
        prefix: Beginning of the family names, for example `mist_gateway_port`.
    """
    port = f"the {device_type_of(prefix)} port"
    return (
        Flag(f"{prefix}_poe_disabled", "poe_disabled", f"Whether PoE is disabled by configuration on {port}."),
        Flag(f"{prefix}_poe_on", "poe_on", f"Whether {port} supplies PoE power."),
        Gauge(f"{prefix}_poe_power_draw_watts", "power_draw", f"PoE power drawn by the powered device on {port}."),
        StateSet(f"{prefix}_poe_mode", "poe_mode", f"PoE standard of {port} (1 for the current standard).", POE_MODES, label="mode"),
    )  # fmt: skip
