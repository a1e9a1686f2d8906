"""Service levels of sites as REST gives them: over the last hour, one object a site and service.

Names of levels are those of the API's description, and two more that users of the API have seen (`wan-link-health-v2`,
`gateway-bandwidth`). All are ratios. The webhook topic `site-sle` tells of the same levels over periods of its own.
"""

from __future__ import annotations

from collector.catalog.objects import Object
from collector.metrics.model import Entity, Gauge

LEVELS = (
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
            level,
            "Share of users' time in the last hour in which the site met the service level expectation (SLE).",
            labels={"sle": level},
        )
        for level in LEVELS
    ),
)

OBJECTS = (Object("site_sle", (SITE_SLE,), ("org_id", "site_id", "service"), rest="site_sle"),)
