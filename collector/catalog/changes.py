"""Tables of change events on the stream."""

from __future__ import annotations

from collector.metrics.model import Counter, Entity

FIRMWARE = "fwupdate"  # the event type with a firmware update, and the field of the statistics with its state

CHANGES = Entity(
    "device_event",
    labels=("org_id", "site_id", "device_type", "event_type", "status"),
    ttl_s=None,
    families=(
        Counter(
            "mist_org_device_changes_total",
            None,
            "Total number of device change events received on the stream, by device type, event type and status.",
            reads=("event_type", "detail.status"),
        ),
    ),
)
INITIAL_ZERO = (("ap", "failed"), ("switch", "failed"), ("gateway", "failed"))  # device type and status, used in alerts

SYNCS = Entity(
    "otherdevice_sync",
    labels=("org_id", "vendor", "status"),
    ttl_s=None,
    families=(
        Counter(
            "mist_other_device_syncs_total",
            None,
            "Total number of synchronizations of third-party devices with their vendor, by vendor and status.",
            reads=("vendor", "status"),
        ),
    ),
)
