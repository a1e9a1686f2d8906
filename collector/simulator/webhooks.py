"""Webhook configurations as REST manages them, and the events that each receives (mist/README section 5)."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from collector.simulator.constants import webhook_topics

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_HEADERS_BYTES = 1000
"""Limit of the total length of names and values of the custom headers (mist/README 5.1)."""

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


class InvalidWebhookError(Exception):
    """An invalid webhook configuration; the message is the `detail` of the REST response."""


@dataclass(slots=True)
class WebhookConfiguration:
    """A webhook of an org or, if `site_id` is set, of a site.

    `headers` is the configured value of any type: an invalid value is accepted, and deliveries then have the header
    `X-Mist-Error`.
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
        """Return the REST object."""
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

    def update(self, body: Any, now: float) -> None:
        """Update the fields of a request body.

        Raises:
            InvalidWebhookError: If a field is invalid; nothing is changed then.
        """
        _check(body, for_site=self.site_id is not None)
        for name, value in body.items():
            if name not in _READ_ONLY and name != "type":
                setattr(self, name, value)
        self.modified_at = now

    def matches(self, topic: str, event: dict[str, Any]) -> bool:
        """Return whether the webhook receives this event."""
        in_scope = (
            event.get("site_id") == self.site_id if self.site_id else event.get("org_id", self.org_id) == self.org_id
        )
        return self.enabled and topic in self.topics and in_scope

    def request_headers(self, body: bytes, *, invalid_signature: bool = False) -> dict[str, str]:
        """Return the headers of a delivery: custom headers, signatures of the raw body, and the headers of Mist."""
        headers = self._custom_headers()
        if self.secret:
            key = (self.secret + "?" if invalid_signature else self.secret).encode()
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
        if sum(len(name) + len(value) for name, value in self.headers.items()) >= MAX_HEADERS_BYTES:
            return {"X-Mist-Error": "headers too big"}
        return dict(self.headers)


class WebhookRegistry:
    """All webhook configurations of the cloud."""

    def __init__(self) -> None:
        self._by_id: dict[str, WebhookConfiguration] = {}

    def create(self, org_id: str, site_id: str | None, body: Any, now: float) -> WebhookConfiguration:
        """Create a webhook.

        Raises:
            InvalidWebhookError: If `body` is not a valid webhook.
        """
        for name in ("url", "topics"):
            if not isinstance(body, dict) or not body.get(name):
                raise InvalidWebhookError(f"{name} is required")
        webhook = WebhookConfiguration(str(uuid.uuid4()), org_id, site_id, now, now)
        webhook.update(body, now)
        self._by_id[webhook.id] = webhook
        return webhook

    def owned(self, org_id: str | None, site_id: str | None) -> list[WebhookConfiguration]:
        """Return the webhooks of a site or, without `site_id`, of an org."""
        return [
            webhook
            for webhook in self._by_id.values()
            if (webhook.site_id == site_id if site_id else webhook.site_id is None and webhook.org_id == org_id)
        ]

    def delete(self, webhook: WebhookConfiguration) -> None:
        """Delete a webhook; deliveries in progress are completed."""
        del self._by_id[webhook.id]

    def matching(self, topic: str, event: dict[str, Any]) -> Iterator[WebhookConfiguration]:
        """Yield the webhooks that receive this event."""
        return (webhook for webhook in self._by_id.values() if webhook.matches(topic, event))


def _check(body: Any, *, for_site: bool) -> None:
    if not isinstance(body, dict):
        raise InvalidWebhookError("a JSON object is required")
    for name, value in body.items():
        if name in _FIELDS and not isinstance(value, _FIELDS[name]):
            raise InvalidWebhookError(f"{name} has the wrong type")
        if name not in _FIELDS and name not in _READ_ONLY and name != "headers":
            raise InvalidWebhookError(f"{name} is unknown")
    if body.get("type", "http-post") != "http-post":
        raise InvalidWebhookError("the simulator supports only type http-post")
    if "url" in body and not body["url"].startswith(("http://", "https://")):
        raise InvalidWebhookError("url must start with http:// or https://")
    allowed = webhook_topics(for_site=for_site)
    for topic in body.get("topics", ()):
        if topic not in allowed:
            raise InvalidWebhookError(f"topic {topic} is not allowed for this webhook")
