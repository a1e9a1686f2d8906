"""Table of the SLEs of sites over the last hour, from REST: one object per site and service.

SLE names are those of the OpenAPI description, and two that live clients use (`wan-link-health-v2`,
`gateway-bandwidth`). All values are ratios. The webhook topic `site-sle` delivers the same SLEs for different periods.
"""

from __future__ import annotations

from collector.catalog.objects import Object
from collector.metrics.model import Entity, Gauge

SLES = (
    "ap-availability", "ap-health", "capacity", "coverage", "roaming", "successful-connect", "throughput", "time-to-connect",
    "switch-health", "switch-stc", "switch-throughput",
    "application-health", "gateway-bandwidth", "gateway-health", "wan-link-health", "wan-link-health-v2",
)  # fmt: skip

SITE_SLE = Entity(
    "site_sle_last_hour",
    labels=("org_id", "site_id", "service"),
    ttl_s=2250.0,
    families=tuple(
        Gauge(
            "mist_site_sle_last_hour_ratio",
            sle,
            "SLE of the site over the last hour: fraction of user time that met the service level expectation.",
            labels={"sle": sle},
        )
        for sle in SLES
    ),
)

OBJECTS = (Object("site_sle", (SITE_SLE,), ("org_id", "site_id", "service"), rest="site_sle"),)
