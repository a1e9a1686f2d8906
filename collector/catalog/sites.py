"""Info metrics of organizations and sites, for joins on `org_id` and `site_id`."""

from __future__ import annotations

from collector.catalog.objects import Object
from collector.metrics.model import Entity, Info, timestamp

ORG = Entity(
    "org",
    labels=("org_id",),
    ttl_s=None,
    families=(Info("mist_org_info", {"name": "name"}, "Information about the organization: name."),),
)

SITE = Entity(
    "site",
    labels=("org_id", "site_id"),
    ttl_s=None,
    families=(
        Info(
            "mist_site_info",
            {"name": "name", "country": "country_code", "timezone": "timezone"},
            "Information about the site: name, country and time zone.",
        ),
        timestamp(
            "mist_site_created_timestamp_seconds",
            "created_time",
            "Time when the site was created, in seconds since the epoch.",
        ),
        timestamp(
            "mist_site_modified_timestamp_seconds",
            "modified_time",
            "Time of the last modification of the site, in seconds since the epoch.",
        ),
    ),
)

OBJECTS = (
    Object("org", (ORG,), ("org_id",), fields={"org_id": "id"}, rest="org"),
    Object("site", (SITE,), ("org_id", "site_id"), fields={"site_id": "id"}, identity=("site_id",), rest="site"),
)
