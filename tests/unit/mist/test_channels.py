from __future__ import annotations

import math
import re

import pytest

from collector.mist.channels import CHANNELS, ON_CHANGE, Scope, is_periodic, match, path

SITE_ID = "4ac1dcf4-9d8b-7211-65c4-057819f0862b"
ORG_ID = "2818e386-8dec-2562-9ede-5b8a0fbbdc71"
MAP_ID = "63eda950-c6da-11e4-a628-60f81dd250cc"
DEVICE_ID = "00000000-0000-0000-1000-5c5b35000001"

# path, the template it is of, its ids
PATHS = [
    (f"/sites/{SITE_ID}/stats/devices", "/sites/{site_id}/stats/devices", {"site_id": SITE_ID}),
    (f"/sites/{SITE_ID}/devices", "/sites/{site_id}/devices", {"site_id": SITE_ID}),
    (f"/orgs/{ORG_ID}/stats/mxedges", "/orgs/{org_id}/stats/mxedges", {"org_id": ORG_ID}),
    (f"/orgs/{ORG_ID}/mxedges", "/orgs/{org_id}/mxedges", {"org_id": ORG_ID}),
    (f"/orgs/{ORG_ID}/insights/summary", "/orgs/{org_id}/insights/summary", {"org_id": ORG_ID}),
    (
        f"/sites/{SITE_ID}/stats/maps/{MAP_ID}/unconnected_clients",
        "/sites/{site_id}/stats/maps/{map_id}/unconnected_clients",
        {"site_id": SITE_ID, "map_id": MAP_ID},
    ),
    (
        f"/sites/{SITE_ID}/stats/maps/{MAP_ID}/clients",
        "/sites/{site_id}/stats/maps/{map_id}/clients",
        {"site_id": SITE_ID, "map_id": MAP_ID},
    ),
    (
        f"/sites/{SITE_ID}/devices/{DEVICE_ID}/cmd",
        "/sites/{site_id}/devices/{device_id}/cmd",
        {"site_id": SITE_ID, "device_id": DEVICE_ID},
    ),
    (
        f"/sites/{SITE_ID}/clients/5c:5b:35:00:00:01/diag",
        "/sites/{site_id}/clients/{mac}/diag",
        {"site_id": SITE_ID, "mac": "5c:5b:35:00:00:01"},
    ),
    ("/test", "/test", {}),
]

MALFORMED = {
    "nothing": "",
    "the root": "/",
    "no leading slash": f"sites/{SITE_ID}/stats/devices",
    "a slash too many at the end": f"/sites/{SITE_ID}/stats/devices/",
    "a slash too many inside": f"/sites/{SITE_ID}//stats/devices",
    "no id": "/sites//stats/devices",
    "a template is no path": "/sites/{site_id}/stats/devices",
    "an id of two segments": f"/sites/a/{SITE_ID}/stats/devices",
    "a blank in the id": "/sites/a b/stats/devices",
    "an id beyond all length": f"/sites/{'a' * 65}/stats/devices",
    "letters outside ASCII": "/sites/\u0661\u0662/stats/devices",
    "a line break at the end": f"/sites/{SITE_ID}/stats/devices\n",
    "something before": f"x/sites/{SITE_ID}/stats/devices",
    "a query": f"/sites/{SITE_ID}/stats/devices?type=all",
    "the organisation's devices: no such channel": f"/orgs/{ORG_ID}/stats/devices",
    "a map of no kind": f"/sites/{SITE_ID}/stats/maps/{MAP_ID}",
    "upper case": f"/SITES/{SITE_ID}/stats/devices",
}


@pytest.mark.parametrize(("text", "template", "ids"), PATHS)
def test_a_path_is_recognised_with_its_ids(text, template, ids):
    found = match(text)
    assert found is not None
    assert (found.channel.template, found.ids) == (template, ids)


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_path_is_refused(text):
    assert match(text) is None


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.template)
def test_every_row_is_found_again_by_its_path(channel):
    ids = {name: f"id-of-{name}" for name in re.findall(r"\{(\w+)\}", channel.template)}
    found = match(path(channel, **ids))
    assert found is not None
    assert found.channel is channel
    assert found.ids == ids


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.template)
def test_a_row_agrees_with_itself(channel):
    ids = set(re.findall(r"\{(\w+)\}", channel.template))
    required = {Scope.SITE: {"site_id"}, Scope.ORG: {"org_id"}, Scope.MAP: {"site_id", "map_id"}, Scope.NONE: set()}
    assert required[channel.scope] <= ids
    assert bool(channel.carries) == bool(channel.stream)
    assert math.isinf(channel.period_s) or channel.period_s > 0
    if not channel.carries or channel.carries.endswith(("_event", "_sync")):
        assert channel.period_s == ON_CHANGE


def test_the_table_is_complete_and_without_repetition():
    templates = [channel.template for channel in CHANNELS]
    assert len(templates) == len(set(templates)) == 24
    assert {channel.stream for channel in CHANNELS} == {
        "",
        "devices",
        "clients",
        "mxedges",
        "org_insights",
        "device_events",
        "location",
    }


def test_the_known_periods():
    period_s = {channel.carries: channel.period_s for channel in CHANNELS}
    assert (period_s["device"], period_s["client"], period_s["map_client"]) == (30, 60, 5)


@pytest.mark.parametrize(
    "ids",
    [{}, {"org_id": ORG_ID}, {"site_id": SITE_ID, "map_id": MAP_ID}, {"site_id": ""}, {"site_id": "a/b"}],
)
def test_a_path_is_not_made_of_wrong_ids(ids):
    with pytest.raises(ValueError, match=r"takes the ids|is not valid"):
        path(CHANNELS[0], **ids)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"/sites/{SITE_ID}/stats/devices", True),
        (f"/orgs/{ORG_ID}/insights/summary", True),
        (f"/sites/{SITE_ID}/devices", False),  # events
        (f"/sites/{SITE_ID}/stats/maps/{MAP_ID}/clients", False),  # an empty floor at night
        ("/a/channel/that/is/not/known", True),
    ],
)
def test_whether_the_absence_of_messages_is_a_fault(text, expected):
    assert is_periodic(text) is expected
