"""Webhooks at Mist: whose they are, and which topics they may have."""

import pytest

from collector.cli import webhook_api
from collector.cli.webhook_api import Owner, RegisteredWebhook
from collector.errors import Fatal

ORG, SITE = Owner("orgs", "1", "Org"), Owner("sites", "2", "")


class Rest:
    def __init__(self, answer):
        self._answer = answer

    async def get(self, _path):
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def test_owner():
    assert (ORG.path, ORG.noun, str(ORG)) == ("/orgs/1/webhooks", "an organisation", "org Org")
    assert (SITE.path, SITE.noun, str(SITE)) == ("/sites/2/webhooks", "a site", "site 2")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": "mist-collector"}, True),
        ({"name": "x", "url": "https://noc.example.net/webhook"}, True),
        ({"name": "x", "url": "https://noc.example.net/other"}, False),
        ({"name": "x", "url": "https://[noc/webhook"}, False),
        ({}, False),
    ],
)
def test_is_ours(fields, expected):
    assert RegisteredWebhook(ORG, fields).is_ours("/webhook") is expected


def test_fields_of_other_types():
    webhook = RegisteredWebhook(ORG, {"id": 5, "name": None, "topics": "alarms"})
    assert (webhook.path, webhook.name, webhook.url, webhook.topics) == ("/orgs/1/webhooks/5", "", "", [])


TOPICS = [
    {"key": "alarms", "for_org": True}, {"key": "site-sle"}, {"key": "secret", "internal": True}, {"key": 5}, "rubbish",
]  # fmt: skip


@pytest.mark.parametrize(("owner", "expected"), [(ORG, {"alarms"}), (SITE, {"alarms", "site-sle"})])
async def test_topics_that_mist_lists(owner, expected):
    available = await webhook_api.available_topics(Rest(TOPICS), owner)
    assert available == expected
    assert webhook_api.default_topics(owner, available) == sorted(expected)


@pytest.mark.parametrize("answer", [Fatal("no"), {}, None])
async def test_topics_if_mist_lists_none(answer):
    available = await webhook_api.available_topics(Rest(answer), ORG)
    assert {"alarms", "device-events"} <= available
    assert "site-sle" not in available
