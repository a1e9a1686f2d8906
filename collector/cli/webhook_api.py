"""The webhooks of an organisation or site at Mist, by REST."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from collector.errors import Fatal, UsageError
from collector.mist.channels import Scope
from collector.mist.topics import TOPICS

if TYPE_CHECKING:
    from collector.cli.accounts import OpenAccount
    from collector.ingest.rest.client import WritingRestClient

DEFAULT_NAME = "mist-collector"
# Topics of interest for operations, with few events. The others are raw data or personal data, and opt-in.
DEFAULT_TOPICS = (
    "alarms", "audits", "device-events", "device-updowns", "mxedge-events", "client-join", "client-sessions",
    "nac-events", "minis-application", "minis-reachability",
)  # fmt: skip
DEFAULT_SITE_TOPICS = ("client-latency", "occupancy-alerts", "site-sle")
_NAMES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Owner:
    """The organisation or site that webhooks belong to.

    Attributes:
        kind: "orgs" or "sites".
        id: Its id.
        name: Its name.
    """

    kind: str
    id: str
    name: str

    @property
    def path(self) -> str:
        """The path of its webhooks below /api/v1."""
        return f"/{self.kind}/{quote(self.id, safe='')}/webhooks"

    @property
    def noun(self) -> str:
        """Its kind with an article."""
        return "an organisation" if self.kind == "orgs" else "a site"

    def __str__(self) -> str:
        return f"{self.kind[:-1]} {self.name or self.id}"


@dataclass(frozen=True, slots=True)
class RegisteredWebhook:
    """A webhook as Mist returns it."""

    owner: Owner
    fields: dict[str, Any]

    @property
    def path(self) -> str:
        """Its path below /api/v1."""
        return f"{self.owner.path}/{quote(str(self.fields.get('id', '')), safe='')}"

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.fields.get("name") or "")

    @property
    def url(self) -> str:
        """The address that it posts to."""
        return str(self.fields.get("url") or "")

    @property
    def topics(self) -> list[str]:
        """Its topics."""
        topics = self.fields.get("topics")
        return [str(topic) for topic in topics] if isinstance(topics, list) else []

    def is_ours(self, path: str) -> bool:
        """Whether it has the name that `register` uses by default, or posts to the path of our listener."""
        try:
            return self.name == DEFAULT_NAME or urlsplit(self.url).path == path
        except ValueError:
            return False


async def registered_webhooks(rest: WritingRestClient, owner: Owner) -> list[RegisteredWebhook]:
    """Return the webhooks of an owner. Raises RemoteError."""
    return [RegisteredWebhook(owner, entry) async for entry in rest.pages(owner.path)]


def find_owner(account: OpenAccount, org: str | None, site: str | None) -> Owner:
    """Return the organisation or site of that id or name; by default the only organisation.

    Raises:
        UsageError: There is none, or several; the message lists them.
    """
    if site is not None:
        return _find("sites", "site", {one.id: one.name for one in account.directory.sites.values()}, site)
    orgs = {one.id: one.name for one in account.directory.orgs.values()}
    if org is None and len(orgs) == 1:
        org = next(iter(orgs))
    if org is None:
        names = ", ".join(name or org_id for org_id, name in orgs.items())
        raise UsageError(f"the account has {len(orgs)} organisations; select one with --org: {names}")
    return _find("orgs", "org", orgs, org)


def _find(kind: str, option: str, names: dict[str, str], wanted: str) -> Owner:
    found = [id_ for id_, name in names.items() if wanted in (id_, name)]
    if len(found) == 1:
        return Owner(kind, found[0], names[found[0]])
    if found:
        raise UsageError(f"--{option} {wanted}: the name is not unique; use one of the ids {', '.join(found)}")
    available = sorted(name or id_ for id_, name in names.items())
    more = ", ..." if len(available) > _NAMES_SHOWN else ""
    raise UsageError(f"--{option} {wanted}: not found; available: {', '.join(available[:_NAMES_SHOWN])}{more}")


async def available_topics(rest: WritingRestClient, owner: Owner) -> set[str]:
    """Return the topics that Mist offers to an owner; the topics known to the collector if Mist does not list them."""
    try:
        listed = await rest.get("/const/webhook_topics")
    except Fatal:
        listed = None
    for_org = owner.kind == "orgs"
    if not isinstance(listed, list):
        return {topic.name for topic in TOPICS.values() if topic.scope is Scope.ORG or not for_org}
    rows = [row for row in listed if isinstance(row, dict) and isinstance(row.get("key"), str)]
    return {row["key"] for row in rows if not row.get("internal") and (row.get("for_org") or not for_org)}


def default_topics(owner: Owner, available: set[str]) -> list[str]:
    """Return the topics to register if none is selected."""
    wanted = DEFAULT_TOPICS + (DEFAULT_SITE_TOPICS if owner.kind == "sites" else ())
    return sorted(available.intersection(wanted))
