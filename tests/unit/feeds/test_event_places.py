"""Sites, orgs and label values that are created and deleted: their rows end, and their places are free again."""

from __future__ import annotations

import pytest

from collector.catalog.event_rules import TRANSIENT_VALUE_TTL_S
from collector.feeds.client_feed import SSID_TTL_S, ClientFeed
from collector.feeds.event_places import UNKNOWN_ID_TTL_S, EventPlaces, UnknownIds
from collector.feeds.router import FeedRouter
from collector.location.feed import LocationFeed
from collector.metrics.counter_table import OTHER
from collector.metrics.store import Store
from collector.mist.channels import match
from collector.mist.directories import Directories
from collector.mist.directory import Changes, Directory, Org, Site
from collector.mist.identity import NIL_ID
from tests.support.feeds import Clock, series, sweep

EVENTS = "mist_webhook_events_total"
HERE, GONE = Site("here", "o"), Site("gone", "o")


@pytest.fixture
def clock():
    return Clock(1000.0)


@pytest.fixture
def directory():
    return Directory(orgs={"o": Org("o")}, sites={"here": HERE})


@pytest.fixture
def router(clock, directory):
    return FeedRouter(Directories(directory), now=clock)


def sites_of(router, family=EVENTS):
    return {series.split('site_id="')[1].split('"')[0] for series in series(router, family)}


def test_unknown_ids_above_the_limit_are_other():
    unknown = UnknownIds(2)
    assert [unknown.admit(name, 1.0) for name in "abcab"] == ["a", "b", OTHER, "a", "b"]
    assert unknown.refused == 1
    assert unknown.expire(1.0 + UNKNOWN_ID_TTL_S) == set()
    assert unknown.admit("b", 10.0) == "b"
    assert unknown.expire(2.0 + UNKNOWN_ID_TTL_S) == {"a"}
    assert [unknown.admit(name, 20.0) for name in "cd"] == ["c", OTHER]
    unknown.discard(["b", "another"])
    assert len(unknown) == 1


@pytest.mark.parametrize("identity", ["x" * 65, "a b", "a/b", "é", '"'])
def test_a_malformed_id_is_other(identity):
    unknown = UnknownIds(2)
    assert unknown.admit(identity, 1.0) == OTHER
    assert (len(unknown), unknown.refused) == (0, 1)


class TestPlaces:
    """Org and site of an event."""

    @pytest.fixture
    def places(self, directory, clock):
        return EventPlaces(Directories(directory), clock)

    @pytest.mark.parametrize(
        ("event", "place"),
        [
            ({"org_id": "another", "site_id": "here"}, ("o", "here")),
            ({"orgid": "o", "siteid": "here"}, ("o", "here")),
            ({"org_id": "o"}, ("o", "")),
            ({"org_id": "o", "site_id": NIL_ID}, ("o", "")),
            ({"org_id": "new", "site_id": "new"}, ("new", "new")),
            ({"org_id": "o", "site_id": "x" * 9_999_999}, ("o", OTHER)),
            ({"org_id": 5, "site_id": None}, ("", "")),
            ({}, ("", "")),
        ],
        ids=lambda value: str(value)[:60],
    )
    def test_ids_of_an_event(self, places, event, place):
        assert places.of(event) == place

    def test_an_unlisted_site_has_one_org(self, places):
        seen = {places.of({"org_id": f"o{org}", "site_id": f"s{site}"}) for org in range(50) for site in range(20)}
        assert len(seen) == 20

    def test_a_listed_org_does_not_expire(self, places, clock):
        places.of({"org_id": "o"})
        clock.now += 2 * UNKNOWN_ID_TTL_S
        assert places.expire(clock.now) == (set(), set())


def test_the_rows_of_a_removed_site_end_after_a_late_event(router, clock):
    for topic in ("audits", "client-join", "alarms"):
        event = {"site_id": "gone", "org_id": "o", "ssid": "s", "id": "1", "status": "open", "group": "marvis"}
        assert router.open_topic(topic)(event, 0.0) is None
    clock.now += UNKNOWN_ID_TTL_S
    sweep(router)
    assert sites_of(router) == {"gone"}, "it may be a site that the inventory will list"
    clock.now += 1.0
    assert sweep(router) > 0
    assert series(router) == series(router, "mist_webhook_delivery_delay_seconds")


def test_sites_with_events_and_listed_sites_do_not_expire(router, clock, directory):
    for site_id in ("busy", "new"):
        router.open_topic("audits")({"site_id": site_id, "org_id": "o"}, 0.0)
    router.changed(directory.replace([Org("o")], [HERE, Site("new", "o")], []))
    clock.now += UNKNOWN_ID_TTL_S / 2
    router.open_topic("audits")({"site_id": "busy", "org_id": "o"}, 0.0)
    clock.now += UNKNOWN_ID_TTL_S / 2 + 1.0
    sweep(router)
    assert {"busy", "new"} <= sites_of(router)
    assert sum(value for series, value in series(router, EVENTS).items() if "busy" in series) == 2


def test_before_an_inventory_is_read_nothing_expires(clock):
    router = FeedRouter(now=clock)
    router.open_topic("audits")({"site_id": "s", "org_id": "o"}, 0.0)
    clock.now += 10 * UNKNOWN_ID_TTL_S
    sweep(router)
    assert sites_of(router) == {"s"}


def test_the_rows_of_an_unlisted_org_end(router, clock):
    router.open_topic("audits")({"org_id": "unlisted"}, 0.0)
    clock.now += UNKNOWN_ID_TTL_S + 1.0
    sweep(router)
    assert series(router, EVENTS) == {}


def test_a_position_at_an_unlisted_site_is_rejected(router):
    router.join(LocationFeed(router.store, router.directories))
    for site_id in ("gone", "here"):
        router.open_topic("location")({"site_id": site_id, "org_id": "o", "type": "wifi"}, 0.0)
    assert router.rejected_parts() == {("webhook:location", "unknown_site"): 1, ("webhook:location", "unknown_map"): 1}


def join(router, ssid):
    assert router.open_topic("client-join")({"org_id": "o", "site_id": "here", "ssid": ssid, "band": "5"}, 0.0) is None


def test_a_value_without_events_for_a_month_is_released(router, clock):
    for number in range(200):
        join(router, f"old {number}")
    join(router, "new")
    assert router.refused_labels()["ssid"] == 1, "the limit is reached"
    clock.now += TRANSIENT_VALUE_TTL_S - 10
    join(router, "old 7")
    sweep(router)
    clock.now += 3700
    sweep(router)
    left = series(router, "mist_client_joins_total")
    assert len(left) == 1
    assert all("old 7" in name and value == 2 for name, value in left.items())
    join(router, "new")
    assert any("new" in name for name in series(router, "mist_client_joins_total"))
    assert router.refused_labels()["ssid"] == 1


def test_values_of_a_removed_site_are_released(router, directory):
    for number in range(201):
        join(router, f"old {number}")
    assert router.refused_labels()["ssid"] == 1
    router.changed(directory.replace([Org("o")], [Site("there", "o")], []))
    join(router, "new")
    assert router.refused_labels()["ssid"] == 1


def test_counters_used_in_alerts_do_not_expire(router, clock, directory):
    router.changed(directory.replace([Org("o")], [HERE, Site("second", "o")], []))
    initial = series(router, "mist_alarms_total")
    assert initial
    clock.now += 10 * TRANSIENT_VALUE_TTL_S
    sweep(router)
    assert series(router, "mist_alarms_total") == initial


def client(number, ssid, **more):
    return {"mac": f"0000000{number:05x}", "ap_mac": "5c5b35000001", "ssid": ssid, "band": "5", "_ttl": 60} | more


def test_ssids_without_clients_for_a_month_are_released():
    clients = ClientFeed(Store(), Directories(Directory(sites={"here": HERE})))
    apply = clients.channel(match("/sites/here/stats/clients"))
    for number in range(101):
        apply(client(number, f"old {number}"), 1000.0)
    assert clients.refused_labels()["ssid"] == 1
    for now in (1000.0 + SSID_TTL_S, 1000.0 + SSID_TTL_S + 3700.0):
        for _ in clients.sweep(now):
            pass
    apply(client(500, "new"), now)
    assert clients.refused_labels()["ssid"] == 1
    clients.changed(Changes(sites_removed=(HERE,), orgs_removed=(Org("o"),)))
    for number in range(101):
        apply(client(number, f"newer {number}"), now + 1.0)
    assert clients.refused_labels()["ssid"] == 1, "the counts of an org end with it"
