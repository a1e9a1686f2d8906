"""The table of polls: every row is complete; the site and the kind of an object; the estimate of calls."""

import re

import pytest

from collector.config.model import PollPeriods, PollsConfig
from collector.mist.channels import Scope
from collector.mist.directory import Device, Directory, Org, Site
from collector.mist.identity import NIL_ID
from collector.mist.polls import (
    POLLS,
    TYPE_LISTS,
    Pagination,
    Poll,
    calls_expected,
    kind_of,
    site_of,
    types_in,
)

BY_NAME = {poll.name: poll for poll in POLLS}
SWITCH, GATEWAY, AP = "20d80b000001", "94f7ad000001", "5c5b35000001"


@pytest.fixture
def directory():
    known = Directory()
    known.replace(
        [Org("o")],
        [Site("s", "o")],
        [Device(SWITCH, type="switch", site_id="s"), Device(GATEWAY, type="gateway"), Device(AP, type="ap")],
    )
    return known


def test_names_are_unique():
    assert len(BY_NAME) == len(POLLS)


@pytest.mark.parametrize("poll", POLLS, ids=lambda poll: poll.name)
def test_a_row_is_complete(poll):
    owner = "org_id" if poll.scope is Scope.ORG else "site_id"
    assert re.findall(r"\{(\w+)\}", poll.path) == [owner]
    assert re.findall(r"\{(\w+)\}", poll.site_path) in ([], ["site_id"])
    assert re.findall(r"\{(\w+)\}", poll.detail_path) in ([], ["org_id", "mac"])
    assert bool(poll.kind) != bool(poll.kinds)
    assert poll.expected_objects
    assert (poll.pagination is Pagination.LINKS) == poll.path.endswith("/search")
    assert 1 <= poll.limit <= 1000


@pytest.mark.parametrize("poll", POLLS, ids=lambda poll: poll.name)
def test_a_row_has_a_switch_and_a_period(poll):
    assert getattr(PollPeriods(), poll.switch) > 0
    assert isinstance(getattr(PollsConfig(), poll.switch), bool)


def test_the_configuration_has_no_other_switch_or_period():
    switches = {poll.switch for poll in POLLS}
    assert PollPeriods.model_fields.keys() == switches
    assert PollsConfig.model_fields.keys() == switches | {"budget_share", "every_s"}


def test_polls_that_need_a_call_per_site_or_device_are_best_effort():
    assert {poll.name for poll in POLLS if poll.best_effort} == {
        poll.name for poll in POLLS if (poll.scope is Scope.SITE and poll.switch != "maps") or poll.detail_path
    }


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ({"device_type": "switch", "mac": GATEWAY}, "switch_port"),
        ({"type": "gateway", "mac": SWITCH}, "gateway_port"),
        ({"device_type": None, "type": "gateway"}, "gateway_port"),
        ({"type": "wan", "mac": GATEWAY}, "gateway_port"),
        ({"mac": SWITCH.upper()}, "switch_port"),
        ({"mac": AP}, ""),
        ({"mac": "20d80b0000ff"}, ""),
        ({"mac": 7}, ""),
        ({}, ""),
    ],
)
def test_the_kind_of_a_port_is_that_of_its_device(directory, payload, kind):
    assert kind_of(BY_NAME["ports"], payload, directory) == kind


def test_the_kind_of_other_polls_is_their_own(directory):
    assert kind_of(BY_NAME["bgp_peers"], {"type": "gateway"}, directory) == "bgp_peer"


@pytest.mark.parametrize(
    ("payload", "site_id"),
    [
        ({"site_id": "t", "mac": SWITCH}, "t"),
        ({"site_id": NIL_ID, "mac": SWITCH}, ""),
        ({"site_id": None, "mac": SWITCH}, "s"),
        ({"mac": GATEWAY}, ""),
        ({"mac": []}, ""),
        ({}, ""),
    ],
)
def test_the_site_of_an_object(directory, payload, site_id):
    assert site_of(BY_NAME["ports"], payload, directory) == site_id


def test_a_site_is_its_own_site(directory):
    assert site_of(BY_NAME["site_stats"], {"id": "t"}, directory) == "t"


def test_calls_are_estimated_from_the_inventory():
    large = {"ap": 7500, "switch": 2000, "gateway": 500, "org": 1, "site": 1000}
    assert calls_expected(BY_NAME["ports"], large, 1) == 85
    assert calls_expected(BY_NAME["bgp_peers"], large, 1) == 2
    assert calls_expected(BY_NAME["zones"], large, 1000) == 1000
    assert calls_expected(BY_NAME["org_stats"], large, 3) == 3
    assert calls_expected(BY_NAME["other_devices"], large, 1) == 26


def test_a_poll_without_targets_takes_no_calls():
    nothing = Poll("x", "/orgs/{org_id}/x", Pagination.HEADERS, "x", expected_objects={"site": 1})
    assert calls_expected(nothing, {}, 0) == 0


def test_names_of_a_constant_list():
    assert types_in([{"key": "AP_CONNECTED", "display": "x"}, {"key": ""}, {}, "plain", 7, None]) == (
        "AP_CONNECTED",
        "plain",
    )
    assert types_in({"detail": "no"}) == ()


def test_each_list_is_of_a_different_topic():
    assert len({one.topic for one in TYPE_LISTS}) == len(TYPE_LISTS)
