"""Families common to all device types (`mist_device_*`), and the functions that build the columns each type shares.

Every `mist_device_*` family has the label `device_type`. Measurements (`measured`) are columns of the row of each
device type, with the label as a constant, so that a message updates a single row. The columns of `DEVICE` have no time
to live: the row exists as long as the device is in the inventory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.catalog.units import BITS
from collector.metrics.model import (
    BY_KEY,
    KIBI,
    PERCENT,
    At,
    Entity,
    Family,
    Flag,
    Gauge,
    Info,
    Label,
    StateSet,
    timestamp,
)

if TYPE_CHECKING:
    from collector.metrics.model import AnyFamily, Path

ROOT_LABELS = ("org_id", "site_id", "mac")
DEVICE_LABELS = (*ROOT_LABELS, "device_type")

DEVICE_UP = "mist_device_up"

DEVICE = Entity(
    "device",
    labels=DEVICE_LABELS,
    ttl_s=None,
    families=(
        Gauge(
            DEVICE_UP,
            None,
            "Whether the device is connected to the Mist cloud, from its latest message, REST status or up/down event.",
            reads=("status",),
        ),
        timestamp(
            "mist_device_last_seen_timestamp_seconds",
            "last_seen",
            "Time when the device was last seen by the Mist cloud, in seconds since the epoch.",
        ),
        timestamp(
            "mist_device_created_timestamp_seconds",
            "created_time",
            "Time when the device was added to the organization, in seconds since the epoch.",
        ),
        timestamp(
            "mist_device_modified_timestamp_seconds",
            "modified_time",
            "Time of the last modification of the device in Mist, in seconds since the epoch.",
        ),
        Info(
            "mist_device_info",
            {
                "name": ("name", "hostname"),
                "model": "model",
                "serial": "serial",
                "version": "version",
                "hardware_revision": "hw_rev",
                "ip": ("ip", "ip_stat.ip"),
                "external_ip": "ext_ip",
                "map_id": "map_id",
            },
            "Information about the device: name, model, serial number, firmware version, hardware revision, IP addresses and map.",
            reads=("type",),
        ),
    ),
)

FIRMWARE_STATES = ("inprogress", "failed", "upgraded", "success", "scheduled", "error")


def measured(kind: str, *, cpu: Path, memory: Path, **engine_labels: str) -> tuple[AnyFamily, ...]:
    """Return the columns of measurements that every device type reports.

    Args:
        kind: Value of the label `device_type`.
        cpu: Path of the CPU utilization in percent.
        memory: Path of the memory utilization in percent.
        engine_labels: Constant labels of the first routing engine, for device types with several (see `engine`).
    """
    labels = {"device_type": kind}

    def time_column(name: str, path: str, help_: str) -> Family:
        return timestamp(f"mist_device_{name}_timestamp_seconds", path, help_, **labels)

    return (
        Gauge("mist_device_uptime_seconds", "uptime", "Time since the device started.", labels=labels),
        *engine(kind, cpu=cpu, memory=memory, **engine_labels),
        time_column("certificate_expiry", "cert_expiry", "Time when the device certificate expires, in seconds since the epoch."),
        time_column("last_trouble", "last_trouble.timestamp", "Time of the last trouble reported by the device, in seconds since the epoch."),
        time_column("auto_upgrade_check", "auto_upgrade_stat.lastcheck", "Time of the last firmware auto-upgrade check by the device, in seconds since the epoch."),
        time_column("firmware_update", "fwupdate.timestamp", "Time of the last status change of the firmware update, in seconds since the epoch."),
        Gauge("mist_device_firmware_update_progress_ratio", "fwupdate.progress", "Progress of the firmware update of the device.", PERCENT, labels),
        Flag("mist_device_firmware_update_will_retry", "fwupdate.will_retry", "Whether a failed firmware update of the device will be retried.", labels=labels),
    )  # fmt: skip


def engine(kind: str, *, cpu: Path, memory: Path, shares: str = "cpu_stat", **labels: str) -> tuple[Family, ...]:
    """Return the CPU and memory columns of one routing engine.

    Args:
        kind: Value of the label `device_type`.
        cpu: Path of the CPU utilization in percent.
        memory: Path of the memory utilization in percent.
        shares: Path of the object with the CPU time by mode, in percent.
        labels: Further constant labels, such as the cluster node.
    """
    own = {"device_type": kind, **labels}
    return (
        Gauge("mist_device_cpu_utilization_ratio", cpu, "CPU utilization of the device.", PERCENT, own),
        *(
            Gauge(
                "mist_device_cpu_mode_ratio",
                f"{shares}.{mode}",
                "Fraction of CPU time spent in each mode.",
                PERCENT,
                {**own, "mode": mode},
            )
            for mode in ("user", "system", "interrupt", "idle")
        ),
        Gauge("mist_device_memory_utilization_ratio", memory, "Memory utilization of the device.", PERCENT, own),
    )


def measured_memory(kind: str) -> tuple[Family, ...]:
    """Return the memory columns of device types that report memory in KiB."""
    labels = {"device_type": kind}
    return (
        Gauge("mist_device_memory_total_bytes", "mem_total_kb", "Total memory of the device.", KIBI, labels),
        Gauge("mist_device_memory_used_bytes", "mem_used_kb", "Memory in use on the device.", KIBI, labels),
    )


def throughput(prefix: str, owner: str) -> tuple[Family, ...]:
    """Return the columns of the last reported receive and transmit rates.

    Args:
        prefix: Beginning of the family names, for example `mist_gateway_port`.
        owner: What the rates belong to, for the HELP line: "gateway port".
    """
    return (
        Gauge(f"{prefix}_receive_bytes_per_second", "rx_bps", f"Last reported receive rate of the {owner}.", BITS),
        Gauge(f"{prefix}_transmit_bytes_per_second", "tx_bps", f"Last reported transmit rate of the {owner}.", BITS),
    )


def firmware_update(kind: str) -> StateSet:
    """Return the state set of the latest firmware update of a device type."""
    return StateSet(
        "mist_device_firmware_update_status",
        "fwupdate.status",
        "Status of the latest firmware update of the device (1 for the current status).",
        FIRMWARE_STATES,
        labels={"device_type": kind},
    )


_PERIODS = {"0": "1m", "1": "5m", "2": "15m"}
BY_PERIOD = Label(of=lambda key, _: _PERIODS.get(key, key))  # index in `load_avg` -> period


def load_average(kind: Entity, *engines: At) -> Entity:
    """Return the entity of the load averages of a device type, one row per period.

    Args:
        kind: The entity of the device type.
        engines: Places of the load averages of each routing engine; `cpu_stat.load_avg` if there is only one.
    """
    places = engines or (At("cpu_stat.load_avg[*]"),)
    return Entity(
        f"{kind.name}_load",
        within=kind,
        at=tuple(At(place.path, {"device_type": kind.name, **place.labels}) for place in places),
        labels={"period": BY_PERIOD},
        families=(Gauge("mist_device_load_average", "", "Load average of the device over 1, 5 and 15 minutes."),),
    )


def expiring_certificates(kind: Entity) -> Entity:
    """Return the entity of the certificates of a device type that expire within 30 days, one row per serial number."""
    return Entity(
        f"{kind.name}_expiring_certificate",
        within=kind,
        at=(At("expiring_certs.{serial}", {"device_type": kind.name}),),
        labels={"certificate": BY_KEY},
        families=(
            timestamp("mist_device_expiring_certificate_timestamp_seconds", "", "Expiry time of a certificate that expires within 30 days, by serial number, in seconds since the epoch."),
        ),
    )  # fmt: skip
