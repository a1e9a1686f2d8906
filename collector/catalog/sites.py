"""Organizations and sites: their names, for joining."""

from __future__ import annotations

from collector.catalog.objects import Object
from collector.metrics.model import Entity, Info, timestamp

ORG = Entity(
    "org",
    labels=("org_id",),
    ttl_s=None,
    families=(Info("mist_org_info", {"name": "name"}, "Name of the organization."),),
)

SITE = Entity(
    "site",
    labels=("org_id", "site_id"),
    ttl_s=None,
    families=(
        Info(
            "mist_site_info",
            {"name": "name", "country": "country_code", "timezone": "timezone"},
            "Name and whereabouts of the site.",
        ),
        timestamp("mist_site_created_timestamp_seconds", "created_time", "When the site was created."),
        timestamp("mist_site_modified_timestamp_seconds", "modified_time", "When the site was last changed."),
    ),
)

OBJECTS = (
    Object("org", (ORG,), ("org_id",), fields={"org_id": "id"}, rest="org"),
    Object("site", (SITE,), ("org_id", "site_id"), fields={"site_id": "id"}, identity=("site_id",), rest="site"),
)
