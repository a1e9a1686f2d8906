"""Sites, orgs and names that come and go: their rows end, their places are free again."""

from __future__ import annotations

import pytest

from collector.catalog.event_rules import TRANSIENT_VALUE_TTL_S
from collector.feeds.client_feed import SSID_KEPT_S, ClientFeed
from collector.feeds.router import FeedRouter
from collector.feeds.unknown_sites import SILENT_S, UnknownSites
from collector.metrics.counter_table import OTHER
from collector.metrics.store import Store
from collector.mist.channels import match
from collector.mist.directories import Directories
from collector.mist.directory import Changes, Directory, Org, Site
from tests.unit.feeds.test_event_feed import told

EVENTS = "mist_webhook_events_total"
HERE, GONE = Site("here", "o"), Site("gone", "o")


class Clock:
    """A monotonic clock that a test sets."""

    now = 1000.0


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def directory():
    return Directory(orgs={"o": Org("o")}, sites={"here": HERE})


@pytest.fixture
def catalog(clock, directory):
    return FeedRouter(Directories(directory), now=lambda: clock.now)


def sweep(catalog):
    return sum(catalog.sweep())


def sites_of(catalog, family=EVENTS):
    return {series.split('site_id="')[1].split('"')[0] for series in told(catalog, family)}


def test_so_many_strangers_and_then_others():
    strangers = UnknownSites(2)
    assert [strangers.admit(name, 1.0) for name in "abcab"] == ["a", "b", OTHER, "a", "b"]
    assert strangers.refused == 1
    assert strangers.gone(1.0 + SILENT_S) == set()
    assert strangers.admit("b", 10.0) == "b"
    assert strangers.gone(2.0 + SILENT_S) == {"a"}
    assert [strangers.admit(name, 20.0) for name in "cd"] == ["c", OTHER]
    strangers.listed(["b", "unheard of"])
    assert len(strangers) == 1


def test_a_late_event_of_a_site_that_is_gone_leaves_nothing_for_ever(catalog, clock):
    for topic in ("audits", "client-join", "alarms"):
        event = {"site_id": "gone", "org_id": "o", "ssid": "s", "id": "1", "status": "open", "group": "marvis"}
        assert catalog.open_topic(topic)(event, 0.0) is None
    clock.now += SILENT_S
    sweep(catalog)
    assert sites_of(catalog) == {"gone"}, "it may be a site that the inventory will list"
    clock.now += 1.0
    assert sweep(catalog) > 0
    assert told(catalog) == told(catalog, "mist_webhook_delivery_delay_seconds")


def test_who_speaks_is_not_gone_and_who_is_listed_is_no_stranger(catalog, clock, directory):
    for site_id in ("talkative", "new"):
        catalog.open_topic("audits")({"site_id": site_id, "org_id": "o"}, 0.0)
    catalog.changed(directory.replace([Org("o")], [HERE, Site("new", "o")], []))
    clock.now += SILENT_S / 2
    catalog.open_topic("audits")({"site_id": "talkative", "org_id": "o"}, 0.0)
    clock.now += SILENT_S / 2 + 1.0
    sweep(catalog)
    assert {"talkative", "new"} <= sites_of(catalog)
    assert sum(value for series, value in told(catalog, EVENTS).items() if "talkative" in series) == 2


def test_before_an_inventory_is_read_everybody_stays(clock):
    catalog = FeedRouter(now=lambda: clock.now)
    catalog.open_topic("audits")({"site_id": "s", "org_id": "o"}, 0.0)
    clock.now += 10 * SILENT_S
    sweep(catalog)
    assert sites_of(catalog) == {"s"}


def test_an_org_that_nobody_lists_goes_with_its_sites(catalog, clock):
    catalog.open_topic("audits")({"org_id": "strange"}, 0.0)
    clock.now += SILENT_S + 1.0
    sweep(catalog)
    assert told(catalog, EVENTS) == {}


def test_a_position_at_a_site_that_nobody_lists_is_refused(catalog):
    told_of = []
    catalog.events.positions = lambda _topic, event, _now: told_of.append(event["site_id"])
    for site_id in ("gone", "here"):
        catalog.open_topic("location")({"site_id": site_id, "org_id": "o", "type": "wifi"}, 0.0)
    assert told_of == ["here"]
    assert catalog.rejected_parts() == {("webhook:location", "unknown_site"): 1}


def join(catalog, ssid):
    assert catalog.open_topic("client-join")({"org_id": "o", "site_id": "here", "ssid": ssid, "band": "5"}, 0.0) is None


def test_a_name_that_is_not_told_for_a_month_gives_its_place_to_another(catalog, clock):
    for number in range(200):
        join(catalog, f"old {number}")
    join(catalog, "new")
    assert catalog.refused_labels()["ssid"] == 1, "the cap is reached"
    clock.now += TRANSIENT_VALUE_TTL_S - 10
    join(catalog, "old 7")
    sweep(catalog)
    clock.now += 3700
    sweep(catalog)
    series = told(catalog, "mist_client_joins_total")
    assert len(series) == 1
    assert all("old 7" in name and value == 2 for name, value in series.items())
    join(catalog, "new")
    assert any("new" in name for name in told(catalog, "mist_client_joins_total"))
    assert catalog.refused_labels()["ssid"] == 1


def test_names_of_a_site_that_is_gone_give_their_places_to_others(catalog, directory):
    for number in range(201):
        join(catalog, f"old {number}")
    assert catalog.refused_labels()["ssid"] == 1
    catalog.changed(directory.replace([Org("o")], [Site("there", "o")], []))
    join(catalog, "new")
    assert catalog.refused_labels()["ssid"] == 1


def test_what_alerts_rely_on_does_not_end_by_silence(catalog, clock, directory):
    catalog.changed(directory.replace([Org("o")], [HERE, Site("second", "o")], []))
    born = told(catalog, "mist_alarms_total")
    assert born
    clock.now += 10 * TRANSIENT_VALUE_TTL_S
    sweep(catalog)
    assert told(catalog, "mist_alarms_total") == born


def client(number, ssid, **more):
    return {"mac": f"0000000{number:05x}", "ap_mac": "5c5b35000001", "ssid": ssid, "band": "5", "_ttl": 60} | more


def test_ssids_that_nobody_is_on_for_a_month_give_their_places_to_others():
    clients = ClientFeed(Store(), Directories(Directory(sites={"here": HERE})))
    say = clients.channel(match("/sites/here/stats/clients"))
    for number in range(101):
        say(client(number, f"old {number}"), 1000.0)
    assert clients.refused_labels()["ssid"] == 1
    for now in (1000.0 + SSID_KEPT_S, 1000.0 + SSID_KEPT_S + 3700.0):
        for _ in clients.sweep(now):
            pass
    say(client(500, "new"), now)
    assert clients.refused_labels()["ssid"] == 1
    clients.changed(Changes(sites_removed=(HERE,), orgs_removed=(Org("o"),)))
    for number in range(101):
        say(client(number, f"newer {number}"), now + 1.0)
    assert clients.refused_labels()["ssid"] == 1, "the books of an org go with it"
