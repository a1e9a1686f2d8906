"""Mist's webhooks by REST: those of an organisation or a site, and which of them is ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from collector.errors import Fatal
from collector.mist.channels import Scope
from collector.mist.topics import TOPICS

if TYPE_CHECKING:
    from collector.cli.visit import Visit
    from collector.ingest.rest.client import WritingRestClient

NAME = "mist-collector"
# What a NOC wants to know and what comes seldom enough; the rest is raw data or personal, and said by name.
TOPICS_BY_DEFAULT = (
    "alarms", "audits", "device-events", "device-updowns", "mxedge-events", "client-join", "client-sessions",
    "nac-events", "minis-application", "minis-reachability",
)  # fmt: skip
SITE_TOPICS_BY_DEFAULT = ("client-latency", "occupancy-alerts", "site-sle")


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom webhooks belong to: an organisation, or a site."""

    kind: str  # "orgs" | "sites"
    id: str
    name: str

    @property
    def path(self) -> str:
        """Its webhooks below /api/v1."""
        return f"/{self.kind}/{quote(self.id, safe='')}/webhooks"

    @property
    def word(self) -> str:
        """What it is."""
        return "an organisation" if self.kind == "orgs" else "a site"

    def __str__(self) -> str:
        return f"{self.kind[:-1]} {self.name or self.id}"


@dataclass(frozen=True, slots=True)
class Registered:
    """One webhook as Mist has it."""

    owner: Owner
    facts: dict[str, Any]

    @property
    def path(self) -> str:
        """Itself below /api/v1."""
        return f"{self.owner.path}/{quote(str(self.facts.get('id', '')), safe='')}"

    @property
    def name(self) -> str:
        """What it is called at Mist."""
        return str(self.facts.get("name") or "")

    @property
    def url(self) -> str:
        """Where it posts to."""
        return str(self.facts.get("url") or "")

    @property
    def topics(self) -> list[str]:
        """What it posts."""
        topics = self.facts.get("topics")
        return [str(topic) for topic in topics] if isinstance(topics, list) else []


async def of_owner(rest: WritingRestClient, owner: Owner) -> list[Registered]:
    """Every webhook of the owner; raises RemoteError."""
    return [Registered(owner, entry) async for entry in rest.pages(owner.path)]


def is_ours(webhook: Registered, path: str) -> bool:
    """Whether it bears our name, or posts to the path that we listen on."""
    return webhook.name == NAME or urlsplit(webhook.url).path == path


def owner_of(visit: Visit, org: str | None, site: str | None) -> Owner:
    """The organisation or site meant: by id or name, or the only organisation. Raises Fatal with what there is."""
    if site is not None:
        sites = {one.id: one.name for one in visit.directory.sites.values()}
        return _named("sites", "site", sites, site)
    orgs = {one.id: one.name for one in visit.directory.orgs.values()}
    if org is not None:
        return _named("orgs", "organisation", orgs, org)
    if len(orgs) != 1:
        names = ", ".join(name or org_id for org_id, name in orgs.items())
        raise Fatal(f"the account has {len(orgs)} organisations, say which with --org: {names}")
    return _named("orgs", "organisation", orgs, next(iter(orgs)))


def _named(kind: str, word: str, names: dict[str, str], wanted: str) -> Owner:
    found = [one for one, name in names.items() if wanted in (one, name)]
    if len(found) == 1:
        return Owner(kind, found[0], names[found[0]])
    if found:
        raise Fatal(f"{len(found)} have the name {wanted}; give the id of one: {', '.join(found)}")
    shown = ", ".join(sorted(name or one for one, name in names.items())[:10])
    raise Fatal(f"there is no {word} {wanted}; there are: {shown}")


async def offered(rest: WritingRestClient, owner: Owner) -> set[str]:
    """The topics that this cloud offers to such an owner, by its own list; ours where it has none."""
    try:
        listed = await rest.get("/const/webhook_topics")
    except Fatal:
        listed = None
    for_org = owner.kind == "orgs"
    if not isinstance(listed, list):
        return {topic.name for topic in TOPICS.values() if topic.scope is Scope.ORG or not for_org}
    rows = [row for row in listed if isinstance(row, dict) and isinstance(row.get("key"), str)]
    return {row["key"] for row in rows if not row.get("internal") and (row.get("for_org") or not for_org)}


def default_topics(owner: Owner, offered_here: set[str]) -> list[str]:
    """What to register when nobody said otherwise."""
    wanted = TOPICS_BY_DEFAULT + (SITE_TOPICS_BY_DEFAULT if owner.kind == "sites" else ())
    return sorted(offered_here.intersection(wanted))
