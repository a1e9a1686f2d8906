"""Webhooks by REST: create, read, change, delete, ping, and the log of deliveries."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from collector.simulator.constants import logged_topics
from collector.simulator.fleet import Event
from collector.simulator.rest.paging import page, search, window
from collector.simulator.rest.reply import RefusedError, json_of, reply
from collector.simulator.webhooks import RefusedConfigurationError, Webhook

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from collector.clock import Clock
    from collector.simulator.atlas import Atlas
    from collector.simulator.ledger import DeliveryRecord, Ledger
    from collector.simulator.rest.routes import Route
    from collector.simulator.sender import Sender
    from collector.simulator.webhooks import Webhooks

_OWNERS = ("/orgs/{org_id}", "/sites/{site_id}")


class WebhookCalls:
    """Answers below `/orgs/:org_id/webhooks` and `/sites/:site_id/webhooks`."""

    def __init__(
        self,
        *,
        atlas: Atlas,
        webhooks: Webhooks,
        sender: Sender,
        ledger: Ledger,
        clock: Clock,
        world_time: Callable[[], float],
    ) -> None:
        self._atlas = atlas
        self._webhooks = webhooks
        self._sender = sender
        self._ledger = ledger
        self._clock = clock
        self._world_time = world_time

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [route for owner in _OWNERS for route in self._routes(f"{owner}/webhooks")]

    def _routes(self, base: str) -> list[Route]:
        one = base + "/{webhook_id}"
        return [
            ("GET", base, self.configured),
            ("POST", base, self.create),
            ("GET", one, self.read),
            ("PUT", one, self.change),
            ("DELETE", one, self.delete),
            ("POST", f"{one}/ping", self.ping),
            ("GET", f"{one}/events/search", self.deliveries),
            ("GET", f"{one}/events/count", self.count),
        ]

    async def configured(self, request: web.Request) -> web.Response:
        """Answer with the webhooks of the owner."""
        ids = request.match_info
        return page(request, self._webhooks.owned(ids.get("org_id"), ids.get("site_id")), Webhook.rest)

    async def create(self, request: web.Request) -> web.Response:
        """Add a webhook."""
        site_id = request.match_info.get("site_id")
        org_id = request.match_info.get("org_id") or self._atlas.org_of_site(site_id or "") or ""
        body = await json_of(request)
        try:
            webhook = self._webhooks.create(org_id, site_id, body, self._world_time())
        except RefusedConfigurationError as refusal:
            raise RefusedError(400, str(refusal)) from None
        return reply(webhook.rest())

    async def read(self, request: web.Request) -> web.Response:
        """Answer with one webhook."""
        return reply(self._named(request).rest())

    async def change(self, request: web.Request) -> web.Response:
        """Take over what the body says."""
        webhook, body = self._named(request), await json_of(request)
        try:
            webhook.change(body, self._world_time())
        except RefusedConfigurationError as refusal:
            raise RefusedError(400, str(refusal)) from None
        return reply(webhook.rest())

    async def delete(self, request: web.Request) -> web.Response:
        """Remove one webhook."""
        self._webhooks.delete(self._named(request))
        return reply({})

    async def ping(self, request: web.Request) -> web.Response:
        """Have a `ping` delivered."""
        webhook = self._named(request)
        owner = {"site_id": webhook.site_id} if webhook.site_id else {"org_id": webhook.org_id}
        at = self._world_time()
        event = owner | {"id": webhook.id, "name": webhook.name, "timestamp": int(at)}
        self._sender.ping(webhook, Event("ping", event, at))
        return reply({})

    async def deliveries(self, request: web.Request) -> web.Response:
        """Answer with the log of deliveries of the topics that have one."""
        return search(request, self._log(request), lambda row: row["id"], self._clock.time())

    async def count(self, request: web.Request) -> web.Response:
        """Answer with the number of logged deliveries by a field, `status_code` unless told otherwise."""
        distinct = request.query.get("distinct", "status_code")
        if distinct not in {"status", "status_code", "topic"}:
            raise RefusedError(400, "distinct must be status, status_code or topic")
        sums = Counter(row[distinct] for row in self._log(request))
        start, end = window(request, self._clock.time())
        results = [{distinct: value, "count": count} for value, count in sums.most_common()]
        return reply(
            {
                "results": results,
                "total": len(results),
                "limit": 100,
                "start": start,
                "end": end,
                "distinct": distinct,
            }
        )

    def _named(self, request: web.Request) -> Webhook:
        ids = request.match_info
        for webhook in self._webhooks.owned(ids.get("org_id"), ids.get("site_id")):
            if webhook.id == ids["webhook_id"]:
                return webhook
        raise RefusedError(404, "Not found.")

    def _log(self, request: web.Request) -> list[dict[str, Any]]:
        webhook, topic = self._named(request), request.query.get("topic", "")
        return [
            self._logged(webhook, place, record)
            for place, record in enumerate(self._ledger.deliveries)
            if record.webhook_id == webhook.id and record.topic in logged_topics() and topic in ("", record.topic)
        ]

    def _logged(self, webhook: Webhook, place: int, record: DeliveryRecord) -> dict[str, Any]:
        return {
            "id": f"{place:036d}",
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
