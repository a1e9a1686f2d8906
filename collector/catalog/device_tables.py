"""What all devices share: one row that lives as long as the device is in the inventory, and the columns every kind has.

Every `mist_device_*` family carries `device_type`. The columns that are measured (`measured`) stand in the row of each
kind, with the label as a constant, so that a message is written in one go; what outlives silence stands in `DEVICE`.
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
            "Whether the device is connected to the Mist cloud: by its latest message, status or up/down event.",
            reads=("status",),
        ),
        timestamp("mist_device_last_seen_timestamp_seconds", "last_seen", "When the Mist cloud last saw the device."),
        timestamp(
            "mist_device_created_timestamp_seconds", "created_time", "When the device was added to the organization."
        ),
        timestamp(
            "mist_device_modified_timestamp_seconds", "modified_time", "When the device's record was last changed."
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
            "Names, model, serial number, firmware and addresses of the device.",
            reads=("type",),
        ),
    ),
)

FIRMWARE_STATES = ("inprogress", "failed", "upgraded", "success", "scheduled", "error")


def measured(kind: str, *, cpu: Path, memory: Path, **engine_labels: str) -> tuple[AnyFamily, ...]:
    """Columns that every device measures; `cpu` and `memory` are where this kind says its utilization in percent.

    `engine_labels` tell the first routing engine from others that the device has (see `engine`).
    """
    labels = {"device_type": kind}

    def moment(name: str, path: str, help_: str) -> Family:
        return timestamp(f"mist_device_{name}_timestamp_seconds", path, help_, **labels)

    return (
        Gauge("mist_device_uptime_seconds", "uptime", "Time since the device started.", labels=labels),
        *engine(kind, cpu=cpu, memory=memory, **engine_labels),
        moment("certificate_expiry", "cert_expiry", "When the device's certificate expires."),
        moment("last_trouble", "last_trouble.timestamp", "When the device last reported trouble."),
        moment("auto_upgrade_check", "auto_upgrade_stat.lastcheck", "When the device last looked for a firmware upgrade."),
        moment("firmware_update", "fwupdate.timestamp", "When the state of the firmware update last changed."),
        Gauge("mist_device_firmware_update_progress_ratio", "fwupdate.progress", "How far the firmware update is.", PERCENT, labels),
        Flag("mist_device_firmware_update_will_retry", "fwupdate.will_retry", "Whether a failed firmware update will be tried again.", labels=labels),
    )  # fmt: skip


def engine(kind: str, *, cpu: Path, memory: Path, shares: str = "cpu_stat", **labels: str) -> tuple[Family, ...]:
    """Processor and memory of one routing engine; `shares` is the object that says what the processor does."""
    own = {"device_type": kind, **labels}
    return (
        Gauge("mist_device_cpu_utilization_ratio", cpu, "Share of processor time in use.", PERCENT, own),
        *(
            Gauge(
                "mist_device_cpu_mode_ratio",
                f"{shares}.{mode}",
                "Share of processor time spent in each mode.",
                PERCENT,
                {**own, "mode": mode},
            )
            for mode in ("user", "system", "interrupt", "idle")
        ),
        Gauge("mist_device_memory_utilization_ratio", memory, "Share of memory in use.", PERCENT, own),
    )


def measured_memory(kind: str) -> tuple[Family, ...]:
    """Memory in KiB, for the kinds that say it so."""
    labels = {"device_type": kind}
    return (
        Gauge("mist_device_memory_total_bytes", "mem_total_kb", "Memory that the device has.", KIBI, labels),
        Gauge("mist_device_memory_used_bytes", "mem_used_kb", "Memory in use.", KIBI, labels),
    )


def throughput(prefix: str, told_by: str = "device") -> tuple[Family, ...]:
    """Last known rates, as the device says them; `prefix` names whose: `mist_gateway_port`."""
    return (
        Gauge(
            f"{prefix}_receive_bytes_per_second", "rx_bps", f"Rate of receiving, as last told by the {told_by}.", BITS
        ),
        Gauge(
            f"{prefix}_transmit_bytes_per_second", "tx_bps", f"Rate of sending, as last told by the {told_by}.", BITS
        ),
    )


def firmware_update(kind: str) -> StateSet:
    """The state of this kind of device's latest firmware update."""
    return StateSet(
        "mist_device_firmware_update_status",
        "fwupdate.status",
        "State of the latest firmware update.",
        FIRMWARE_STATES,
        labels={"device_type": kind},
    )


_PERIODS = {"0": "1m", "1": "5m", "2": "15m"}
BY_PERIOD = Label(of=lambda key, _: _PERIODS.get(key, key))  # the elements of a `load_avg`


def load_average(kind: Entity, *engines: At) -> Entity:
    """Load averages of this kind of device, a row a period; of several routing engines, if it has them."""
    places = engines or (At("cpu_stat.load_avg[*]"),)
    return Entity(
        f"{kind.name}_load",
        within=kind,
        at=tuple(At(place.path, {"device_type": kind.name, **place.labels}) for place in places),
        labels={"period": BY_PERIOD},
        families=(Gauge("mist_device_load_average", "", "Load average over 1, 5 and 15 minutes."),),
    )


def expiring_certificates(kind: Entity) -> Entity:
    """Certificates that end within 30 days, by serial number."""
    return Entity(
        f"{kind.name}_expiring_certificate",
        within=kind,
        at=(At("expiring_certs.{serial}", {"device_type": kind.name}),),
        labels={"certificate": BY_KEY},
        families=(
            timestamp("mist_device_expiring_certificate_timestamp_seconds", "", "When a certificate that is about to expire ends, by serial number."),
        ),
    )  # fmt: skip
