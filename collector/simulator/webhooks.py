"""Webhook configurations: what REST creates, changes and lists, and whom an event concerns (mist/README section 5)."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from collector.simulator.constants import webhook_topics

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADERS_LIMIT_BYTES = 1000
"""Custom headers together: names and values (mist/README 5.1)."""

_FIELDS: dict[str, type] = {
    "name": str,
    "url": str,
    "secret": str,
    "topics": list,
    "enabled": bool,
    "verify_cert": bool,
    "single_event_per_message": bool,
    "type": str,
}
_READ_ONLY = frozenset({"id", "org_id", "site_id", "created_time", "modified_time"})


class RefusedConfigurationError(Exception):
    """A webhook that cannot be; the message says why, for the caller of REST."""


@dataclass(slots=True)
class Webhook:
    """One configuration; it belongs to a site when `site_id` is set, else to the org.

    `headers` is whatever was configured: a wrong one is accepted and shows as `X-Mist-Error` in deliveries.
    """

    id: str
    org_id: str
    site_id: str | None
    created_at: float
    modified_at: float
    name: str = ""
    url: str = ""
    secret: str = field(default="", repr=False)
    topics: list[str] = field(default_factory=list)
    headers: Any = None
    enabled: bool = True
    verify_cert: bool = True
    single_event_per_message: bool = False

    def rest(self) -> dict[str, Any]:
        """Return what REST answers."""
        return {
            "id": self.id,
            "org_id": self.org_id,
            **({"site_id": self.site_id} if self.site_id else {}),
            "type": "http-post",
            "name": self.name,
            "url": self.url,
            "secret": self.secret,
            "topics": self.topics,
            "headers": self.headers or {},
            "enabled": self.enabled,
            "verify_cert": self.verify_cert,
            "single_event_per_message": self.single_event_per_message,
            "created_time": int(self.created_at),
            "modified_time": int(self.modified_at),
        }

    def change(self, body: Any, now: float) -> None:
        """Take over the members of a request body; RefusedConfigurationError, and no change, when one is wrong."""
        _check(body, for_site=self.site_id is not None)
        for name, value in body.items():
            if name not in _READ_ONLY and name != "type":
                setattr(self, name, value)
        self.modified_at = now

    def concerns(self, topic: str, event: dict[str, Any]) -> bool:
        """Whether it delivers this event."""
        mine = event.get("site_id") == self.site_id if self.site_id else event.get("org_id", self.org_id) == self.org_id
        return self.enabled and topic in self.topics and mine

    def request_headers(self, body: bytes, *, wrong_secret: bool = False) -> dict[str, str]:
        """Return the headers of a delivery of `body`: custom ones, signatures over the raw bytes, and Mist's own."""
        headers = self._custom_headers()
        if self.secret:
            key = (self.secret + "?" if wrong_secret else self.secret).encode()
            headers["X-Mist-Signature-v2"] = hmac.new(key, body, hashlib.sha256).hexdigest()
            headers["X-Mist-Signature"] = hmac.new(key, body, hashlib.sha1).hexdigest()
        return headers | {"Content-Type": "application/json", "User-Agent": "Mist-webhook"}

    def _custom_headers(self) -> dict[str, str]:
        if self.headers is None:
            return {}
        if not isinstance(self.headers, dict):
            return {"X-Mist-Error": "headers format invalid"}
        for name, value in self.headers.items():
            if not isinstance(value, str):
                return {"X-Mist-Error": f"header[{name}] not a string"}
        if sum(len(name) + len(value) for name, value in self.headers.items()) >= HEADERS_LIMIT_BYTES:
            return {"X-Mist-Error": "headers too big"}
        return dict(self.headers)


class Webhooks:
    """All configurations of the cloud."""

    def __init__(self) -> None:
        self._by_id: dict[str, Webhook] = {}

    def create(self, org_id: str, site_id: str | None, body: Any, now: float) -> Webhook:
        """Add one; raise RefusedConfigurationError when `body` is not a webhook."""
        for name in ("url", "topics"):
            if not isinstance(body, dict) or not body.get(name):
                raise RefusedConfigurationError(f"{name} is required")
        webhook = Webhook(str(uuid.uuid4()), org_id, site_id, now, now)
        webhook.change(body, now)
        self._by_id[webhook.id] = webhook
        return webhook

    def owned(self, org_id: str | None, site_id: str | None) -> list[Webhook]:
        """List those of a site, or, without `site_id`, those of an org itself."""
        return [
            webhook
            for webhook in self._by_id.values()
            if (webhook.site_id == site_id if site_id else webhook.site_id is None and webhook.org_id == org_id)
        ]

    def delete(self, webhook: Webhook) -> None:
        """Remove one; deliveries that are on their way still arrive."""
        del self._by_id[webhook.id]

    def concerned(self, topic: str, event: dict[str, Any]) -> Iterator[Webhook]:
        """Yield those that deliver this event."""
        return (webhook for webhook in self._by_id.values() if webhook.concerns(topic, event))


def _check(body: Any, *, for_site: bool) -> None:
    if not isinstance(body, dict):
        raise RefusedConfigurationError("a JSON object is expected")
    for name, value in body.items():
        if name in _FIELDS and not isinstance(value, _FIELDS[name]):
            raise RefusedConfigurationError(f"{name} has the wrong type")
        if name not in _FIELDS and name not in _READ_ONLY and name != "headers":
            raise RefusedConfigurationError(f"{name} is not known")
    if body.get("type", "http-post") != "http-post":
        raise RefusedConfigurationError("this simulator delivers type http-post only")
    if "url" in body and not body["url"].startswith(("http://", "https://")):
        raise RefusedConfigurationError("url must begin with http:// or https://")
    known = webhook_topics(for_site=for_site)
    for topic in body.get("topics", ()):
        if topic not in known:
            raise RefusedConfigurationError(f"topic {topic} is not allowed here")
