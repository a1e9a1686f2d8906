"""The table of SLEs."""

import pytest

from collector.catalog import sle
from collector.feeds.object_feed import ObjectFeed
from collector.metrics.store import Store
from collector.metrics.text_format import render_all
from collector.mist.directories import Directories


@pytest.fixture
def apply_all():
    """Apply payloads of a service; return the series."""
    store = Store()
    handler = ObjectFeed(store, Directories(), sle.OBJECTS).rest["site_sle"]

    def apply_all(service, *payloads):
        for payload in payloads:
            assert handler(payload, {"org_id": "o", "site_id": payload["site_id"], "service": service}, 0.0) is None
        lines = render_all(store).decode().splitlines()
        return sorted(line.partition("{")[2] for line in lines if line and not line.startswith("#"))

    return apply_all


def test_one_row_per_site_and_service(apply_all):
    wan = {"site_id": "s", "gateway-health": 1.0, "wan-link-health": 0.95, "num_gateways": 1, "num_clients": 98}
    assert apply_all("wan", wan) == [
        'sle="gateway-health",org_id="o",site_id="s",service="wan"} 1.0',
        'sle="wan-link-health",org_id="o",site_id="s",service="wan"} 0.95',
    ]
    assert 'sle="coverage",org_id="o",site_id="s",service="wifi"} 0.5' in apply_all(
        "wifi", {"site_id": "s", "coverage": 0.5}
    )


def test_null_and_unknown_sles_have_no_series(apply_all):
    assert apply_all("wan", {"site_id": "s", "gateway-health": None, "novel-health": 1}) == []
