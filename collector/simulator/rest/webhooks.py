"""Endpoints of webhooks: create, read, update, delete, ping, and the delivery log."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from collector.simulator.constants import logged_topics
from collector.simulator.fleet import WebhookEvent
from collector.simulator.rest.responses import (
    ApiError,
    json_body,
    json_response,
    list_page,
    search_page,
    time_window,
)
from collector.simulator.webhooks import InvalidWebhookError, WebhookConfiguration

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from collector.clock import Clock
    from collector.simulator.directory import FleetDirectory
    from collector.simulator.ledger import DeliveryRecord, Ledger
    from collector.simulator.rest.responses import Route
    from collector.simulator.webhook_sender import WebhookSender
    from collector.simulator.webhooks import WebhookRegistry

_OWNERS = ("/orgs/{org_id}", "/sites/{site_id}")


class WebhookEndpoints:
    """Endpoints below `/orgs/:org_id/webhooks` and `/sites/:site_id/webhooks`."""

    def __init__(
        self,
        *,
        directory: FleetDirectory,
        webhooks: WebhookRegistry,
        sender: WebhookSender,
        ledger: Ledger,
        clock: Clock,
        simulated_time: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._webhooks = webhooks
        self._sender = sender
        self._ledger = ledger
        self._clock = clock
        self._simulated_time = simulated_time

    def routes(self) -> list[Route]:
        """Return the routes of these endpoints."""
        return [route for owner in _OWNERS for route in self._routes(f"{owner}/webhooks")]

    def _routes(self, base: str) -> list[Route]:
        one = base + "/{webhook_id}"
        return [
            ("GET", base, self.list_),
            ("POST", base, self.create),
            ("GET", one, self.read),
            ("PUT", one, self.update),
            ("DELETE", one, self.delete),
            ("POST", f"{one}/ping", self.ping),
            ("GET", f"{one}/events/search", self.deliveries),
            ("GET", f"{one}/events/count", self.count),
        ]

    async def list_(self, request: web.Request) -> web.Response:
        """Return the webhooks of an org or a site."""
        ids = request.match_info
        return list_page(
            request, self._webhooks.owned(ids.get("org_id"), ids.get("site_id")), WebhookConfiguration.rest
        )

    async def create(self, request: web.Request) -> web.Response:
        """Create a webhook."""
        site_id = request.match_info.get("site_id")
        org_id = request.match_info.get("org_id") or self._directory.org_of_site(site_id or "") or ""
        body = await json_body(request)
        try:
            webhook = self._webhooks.create(org_id, site_id, body, self._simulated_time())
        except InvalidWebhookError as error:
            raise ApiError(400, str(error)) from None
        return json_response(webhook.rest())

    async def read(self, request: web.Request) -> web.Response:
        """Return a webhook."""
        return json_response(self._find(request).rest())

    async def update(self, request: web.Request) -> web.Response:
        """Update the fields of the body."""
        webhook, body = self._find(request), await json_body(request)
        try:
            webhook.update(body, self._simulated_time())
        except InvalidWebhookError as error:
            raise ApiError(400, str(error)) from None
        return json_response(webhook.rest())

    async def delete(self, request: web.Request) -> web.Response:
        """Delete a webhook."""
        self._webhooks.delete(self._find(request))
        return json_response({})

    async def ping(self, request: web.Request) -> web.Response:
        """Deliver a `ping` event to a webhook."""
        webhook = self._find(request)
        owner = {"site_id": webhook.site_id} if webhook.site_id else {"org_id": webhook.org_id}
        at = self._simulated_time()
        event = owner | {"id": webhook.id, "name": webhook.name, "timestamp": int(at)}
        self._sender.ping(webhook, WebhookEvent("ping", event, at))
        return json_response({})

    async def deliveries(self, request: web.Request) -> web.Response:
        """Return the delivery log, which covers only some topics."""
        return search_page(request, self._log(request), lambda row: row["id"], self._clock.time())

    async def count(self, request: web.Request) -> web.Response:
        """Return the number of logged deliveries by a field, by default `status_code`."""
        distinct = request.query.get("distinct", "status_code")
        if distinct not in {"status", "status_code", "topic"}:
            raise ApiError(400, "distinct must be status, status_code or topic")
        counts = Counter(row[distinct] for row in self._log(request))
        start, end = time_window(request, self._clock.time())
        results = [{distinct: value, "count": count} for value, count in counts.most_common()]
        return json_response(
            {
                "results": results,
                "total": len(results),
                "limit": 100,
                "start": start,
                "end": end,
                "distinct": distinct,
            }
        )

    def _find(self, request: web.Request) -> WebhookConfiguration:
        ids = request.match_info
        for webhook in self._webhooks.owned(ids.get("org_id"), ids.get("site_id")):
            if webhook.id == ids["webhook_id"]:
                return webhook
        raise ApiError(404, "Not found.")

    def _log(self, request: web.Request) -> list[dict[str, Any]]:
        webhook, topic = self._find(request), request.query.get("topic", "")
        return [
            self._log_entry(webhook, number, record)
            for number, record in enumerate(self._ledger.deliveries)
            if record.webhook_id == webhook.id and record.topic in logged_topics() and topic in ("", record.topic)
        ]

    def _log_entry(self, webhook: WebhookConfiguration, number: int, record: DeliveryRecord) -> dict[str, Any]:
        return {
            "id": f"{number:036d}",
            "webhook_id": webhook.id,
            "org_id": webhook.org_id,
            "site_id": webhook.site_id,
            "topic": record.topic,
            "timestamp": record.at,
            "status": "success" if record.accepted else "failure",
            "status_code": record.status,
            "error": record.error,
            "req_url": webhook.url,
        }
