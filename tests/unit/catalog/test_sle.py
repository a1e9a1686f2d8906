"""Service levels of sites."""

import pytest

from collector.catalog import sle
from collector.feeds.object_feed import ObjectFeed
from collector.metrics.store import Store
from collector.metrics.text_format import render_all
from collector.mist.directories import Directories


@pytest.fixture
def told():
    """The series after payloads of a service."""
    store = Store()
    apply = ObjectFeed(store, Directories(), sle.OBJECTS).rest["site_sle"]

    def told(service, *payloads):
        for payload in payloads:
            assert apply(payload, {"org_id": "o", "site_id": payload["site_id"], "service": service}, 0.0) is None
        lines = render_all(store).decode().splitlines()
        return sorted(line.partition("{")[2] for line in lines if line and not line.startswith("#"))

    return told


def test_a_row_a_site_and_service(told):
    wan = {"site_id": "s", "gateway-health": 1.0, "wan-link-health": 0.95, "num_gateways": 1, "num_clients": 98}
    assert told("wan", wan) == [
        'sle="gateway-health",org_id="o",site_id="s",service="wan"} 1.0',
        'sle="wan-link-health",org_id="o",site_id="s",service="wan"} 0.95',
    ]
    assert 'sle="coverage",org_id="o",site_id="s",service="wifi"} 0.5' in told(
        "wifi", {"site_id": "s", "coverage": 0.5}
    )


def test_a_level_that_is_not_known_is_a_hole_and_an_unknown_one_nothing(told):
    assert told("wan", {"site_id": "s", "gateway-health": None, "novel-health": 1}) == []
