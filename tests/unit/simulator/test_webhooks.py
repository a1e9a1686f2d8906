import hashlib
import hmac

import pytest

from collector.simulator.webhooks import InvalidWebhookError, WebhookRegistry

BODY = {"url": "http://x/", "topics": ["audits"], "secret": "s3cret"}


@pytest.fixture
def registry():
    return WebhookRegistry()


def create(registry, site_id=None, **changes):
    return registry.create("org", site_id, BODY | changes, 0.0)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "url is required"),
        ([], "url is required"),
        ({"url": "http://x/"}, "topics is required"),
        ({"url": "ftp://x/", "topics": ["audits"]}, "url must start"),
        ({"url": "http://x/", "topics": ["weather"]}, "topic weather"),
        ({"url": "http://x/", "topics": ["location"]}, "topic location is not allowed"),
        ({"url": "http://x/", "topics": "audits"}, "topics has the wrong type"),
        ({"url": "http://x/", "topics": ["audits"], "type": "aws-sns"}, "only type http-post"),
        ({"url": "http://x/", "topics": ["audits"], "colour": "red"}, "colour is unknown"),
    ],
)
def test_an_invalid_configuration_is_rejected(registry, body, message):
    with pytest.raises(InvalidWebhookError, match=message):
        registry.create("org", None, body, 0.0)
    assert registry.owned("org", None) == []


def test_location_topics_are_allowed_for_sites(registry):
    assert create(registry, "site", topics=["location"]).topics == ["location"]


def test_an_update_changes_only_writable_fields(registry):
    webhook = create(registry)
    webhook.update({"topics": ["alarms"], "enabled": False, "id": "mine", "org_id": "other"}, 5.0)
    rest = webhook.rest()
    assert (rest["topics"], rest["enabled"], rest["modified_time"]) == (["alarms"], False, 5)
    assert (rest["id"], rest["org_id"]) == (webhook.id, "org") != ("mine", "other")


def test_an_invalid_update_changes_nothing(registry):
    webhook = create(registry)
    before = webhook.rest()
    with pytest.raises(InvalidWebhookError):
        webhook.update({"enabled": False, "topics": ["weather"]}, 5.0)
    assert webhook.rest() == before


@pytest.mark.parametrize(
    ("site_id", "changes", "event", "expected"),
    [
        (None, {}, {"org_id": "org", "site_id": "site"}, True),
        (None, {}, {"site_id": "site"}, True),
        (None, {}, {"org_id": "other"}, False),
        ("site", {}, {"org_id": "org", "site_id": "site"}, True),
        ("site", {}, {"org_id": "org", "site_id": "elsewhere"}, False),
        (None, {"enabled": False}, {"org_id": "org"}, False),
        (None, {"topics": ["alarms"]}, {"org_id": "org"}, False),
    ],
)
def test_a_webhook_receives_events_of_its_topics_and_its_scope(registry, site_id, changes, event, expected):
    create(registry, site_id, **changes)
    assert len(list(registry.matching("audits", event))) == expected


def test_webhooks_are_listed_by_owner(registry):
    of_org, of_site = create(registry), create(registry, "site")
    assert registry.owned("org", None) == [of_org]
    assert registry.owned("org", "site") == [of_site]
    registry.delete(of_org)
    assert registry.owned("org", None) == []


def test_signatures_are_made_with_the_secret(registry):
    headers = create(registry).request_headers(b"body")
    assert headers["X-Mist-Signature-v2"] == hmac.new(b"s3cret", b"body", hashlib.sha256).hexdigest()
    assert create(registry).request_headers(b"body", invalid_signature=True) != headers
    assert not [name for name in create(registry, secret="").request_headers(b"body") if "Signature" in name]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Team": "noc"}, {"X-Team": "noc"}),
        ("X-Team: noc", {"X-Mist-Error": "headers format invalid"}),
        ({"X-Team": 1}, {"X-Mist-Error": "header[X-Team] not a string"}),
        ({"X-Team": "n" * 1000}, {"X-Mist-Error": "headers too big"}),
    ],
)
def test_invalid_custom_headers_are_reported_in_a_header(registry, headers, expected):
    sent = create(registry, headers=headers).request_headers(b"")
    assert expected.items() <= sent.items()


def test_the_secret_is_not_in_the_repr(registry):
    assert "s3cret" not in repr(create(registry))
