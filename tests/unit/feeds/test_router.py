"""The router passes everything to the feeds, by the interface of a feed alone."""

from __future__ import annotations

import inspect
import re
from collections import Counter

import pytest
from structlog.testing import capture_logs

from collector.errors import Rejected
from collector.feeds import router as module
from collector.feeds.feed import Feed
from collector.feeds.router import FOREIGN_SHARD, UNKNOWN_OBJECT, FeedRouter
from collector.mist.directories import Directories
from collector.mist.directory import Changes, Directory, Org, Site
from collector.mist.shard import Shard
from tests.support.feeds import series, sweep

EVENT = {"org_id": "o", "site_id": "s"}
FRAME = {"mac": "5c5b35000001", "type": "ap", "last_seen": 1, "num_clients": 3}


class RecordingFeed(Feed):
    """A feed that records what it receives."""

    name = "recording"

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.channels = {"otherdevice_sync": self._channel}
        self.rest = {"new_object": self._rest}

    def _channel(self, match):
        def message(payload, now):
            self.calls.append(("channel", match.ids, payload, now))

        return message

    def _rest(self, payload, ids, now):
        self.calls.append(("rest", payload, ids, now))

    def topic(self, name):
        def apply(event):
            self.calls.append(("topic", event.topic, event.payload, event.org_id, event.site_id, event.unix, event.now))
            return Rejected("recorded")

        return apply if name == "ping" else None

    def set_poll_period(self, kind, period_s, account):
        self.calls.append(("set_poll_period", kind, period_s, account))

    def rest_complete(self, kind, org_id, since):
        self.calls.append(("rest_complete", kind, org_id, since))

    def site_complete(self, kind, site_id, since):
        self.calls.append(("site_complete", kind, site_id, since))

    def admit_types(self, topic, types):
        self.calls.append(("admit_types", topic, list(types)))

    def changed(self, changes):
        self.calls.append(("changed", changes))

    def sweep(self, now):
        self.calls.append(("sweep", now))
        yield 7

    def name_of(self, kind, identity):
        return f"name of {kind} {identity}"

    def refused_labels(self):
        return {"new_label": 3, "topic": 1}

    def rejected_parts(self):
        return super().rejected_parts() + Counter({("new", "reason"): 2})


class BrokenFeed(Feed):
    """A feed with bugs outside of payloads."""

    name = "broken"

    def changed(self, changes):
        raise ZeroDivisionError

    def sweep(self, now):
        yield 1
        raise ZeroDivisionError


@pytest.fixture
def router():
    return FeedRouter(now=lambda: 5.0)


@pytest.fixture
def feed(router):
    feed = RecordingFeed()
    router.join(feed)
    return feed


class TestInterface:
    """A feed needs nothing but the interface."""

    def test_channel(self, router, feed):
        router.open_channel("/orgs/o/otherdevices/sync")("{}", 1.0)
        assert feed.calls == [("channel", {"org_id": "o"}, "{}", 1.0)]

    def test_topic(self, router, feed):
        assert router.open_topic("ping")(EVENT, 2.0) is None
        assert feed.calls == [("topic", "ping", EVENT, "o", "s", 2.0, 5.0)]
        assert router.rejected_parts()["webhook:ping", "recorded"] == 1
        router.open_topic("audits")(EVENT, 2.0)
        assert len(feed.calls) == 1

    def test_rest(self, router, feed):
        router.rest_object("new_object", {"a": 1}, {"org_id": "o"})
        router.rest_complete("new_object", "o", 1.0)
        router.site_complete("new_object", "s", 2.0)
        router.set_poll_period("new_object", 60.0, "main")
        assert feed.calls == [
            ("rest", {"a": 1}, {"org_id": "o"}, 5.0),
            ("rest_complete", "new_object", "o", 1.0),
            ("site_complete", "new_object", "s", 2.0),
            ("set_poll_period", "new_object", 60.0, "main"),
        ]

    def test_types(self, router, feed):
        router.admit_types("ping", iter(["a", "b"]))
        assert feed.calls == [("admit_types", "ping", ["a", "b"])]

    def test_inventory_and_time(self, router, feed):
        changes = Changes(sites_added=(Site("s", "o"),))
        router.changed(changes)
        assert 7 in list(router.sweep())
        assert feed.calls == [("changed", changes), ("sweep", 5.0)]

    def test_names_and_counters(self, router, feed):
        assert router.name_of("map", "m") == "name of map m"
        assert router.refused_labels()["new_label"] == 3
        assert router.refused_labels()["topic"] == 1
        assert router.rejected_parts()["new", "reason"] == 2
        assert router.errors()["recording"] == 0

    def test_the_router_names_feeds_in_its_constructor_only(self):
        names = {name for name in vars(module) if name.endswith("Feed") and name != "Feed"}
        assert len(names) >= 7
        constructor = inspect.getsource(FeedRouter.__init__)
        elsewhere = inspect.getsource(FeedRouter).replace(constructor, "")
        assert not [name for name in names if name in elsewhere]
        assert not re.search(r"self\.devices|if kind ==|if topic ==", elsewhere)

    def test_every_feed_has_a_name_of_its_own(self, router):
        names = [feed.name for feed in router.feeds]
        assert all(names)
        assert len(set(names)) == len(names)

    def test_the_defaults_of_a_feed_do_nothing(self):
        feed = Feed()
        assert (feed.topic("ping"), list(feed.sweep(0.0)), feed.name_of("map", "m")) == (None, [], "")
        assert (*feed.kinds(), *feed.computed(), *feed.sources(), *feed.refused_labels(), *feed.rejected_parts()) == ()
        assert feed.changed(Changes()) is feed.set_poll_period("a", 1.0, "b") is feed.admit_types("a", ()) is None
        assert feed.rest_complete("a", "b", 0.0) is feed.site_complete("a", "b", 0.0) is None
        assert not feed.channels
        assert not feed.rest


class TestUnknown:
    @pytest.mark.parametrize("path", ["/test", "/unknown", "/sites/s/pcaps", ""])
    def test_channel(self, router, path):
        assert router.open_channel(path) is None

    def test_object(self, router):
        assert router.rest_object("unknown", {}, {}) == UNKNOWN_OBJECT


class TestErrors:
    """A bug in one feed does not affect the others."""

    @pytest.fixture
    def router(self):
        self.now = 0.0
        directory = Directory()
        router = FeedRouter(Directories(directory), now=lambda: self.now)
        router.feeds = (BrokenFeed(), *router.feeds)
        return router

    def test_in_a_sweep(self, router):
        router.rest_object("device", {**FRAME, "status": "connected"}, EVENT)
        assert series(router, "mist_ap_clients")
        self.now = 1000.0
        with capture_logs() as lines:
            assert sweep(router) > 1
            sweep(router)
        assert series(router, "mist_ap_clients") == {}
        assert router.errors()["broken"] == 2
        (line,) = lines
        assert (line["event"], line["feed"], line["operation"]) == ("feed_failed", "broken", "sweep")
        assert "ZeroDivisionError" in line["trace"]

    def test_in_a_change_of_the_inventory(self, router):
        with capture_logs() as lines:
            router.changed(Changes(orgs_added=(Org("o"),), sites_added=(Site("s", "o"),)))
        assert series(router, "mist_webhook_events_total")
        assert router.errors() == dict.fromkeys(router.errors(), 0) | {"broken": 1}
        assert [line["operation"] for line in lines] == ["changed"]


class TestShards:
    @pytest.fixture
    def routers(self):
        return [FeedRouter(shard=Shard(index, 2)) for index in range(2)]

    def test_an_event_is_applied_by_one_shard(self, routers):
        outcomes = [router.open_topic("ping")(EVENT, 0.0) for router in routers]
        assert sorted(outcomes, key=bool) == [None, FOREIGN_SHARD]

    def test_an_object_is_applied_by_one_shard(self, routers):
        outcomes = [router.rest_object("unknown", EVENT, {}) for router in routers]
        assert set(outcomes) == {UNKNOWN_OBJECT, FOREIGN_SHARD}

    def test_an_event_is_emitted_by_one_shard(self):
        emitted = []
        for index in range(3):
            FeedRouter(shard=Shard(index, 3), on_event=emitted.append).open_topic("ping")(EVENT, 0.0)
        assert len(emitted) == 1

    def test_counters_of_an_org_start_in_one_shard(self, routers):
        for router in routers:
            router.changed(Changes(orgs_added=(Org("o"),)))
        assert sorted(len(series(router, "mist_webhook_events_total")) for router in routers) == [0, 4]


class TestCombinations:
    """Combinations of valid values are limited, see `catalog.limits`."""

    def test_of_unknown_orgs_sites_and_types(self, router):
        apply = router.open_topic("device-events")
        for org in range(40):
            for site in range(10):
                for type_ in range(200):
                    apply({"org_id": f"o{org}", "site_id": f"s{org}-{site}", "type": f"T{type_}"}, 0.0)
        rows = series(router, "mist_webhook_events_total")
        assert sum(rows.values()) == 80_000
        assert len(rows) <= 50_400
        assert router.refused_labels()["mist_webhook_events_total"] > 0

    def test_of_orgs_and_sites(self, router):
        apply = router.open_topic("ping")
        for org in range(100):
            for site in range(100):
                apply({"org_id": f"o{org}", "site_id": f"s{site}"}, 0.0)
        assert len(series(router, "mist_webhook_events_total")) == 100

    def test_every_table_has_a_counter_from_the_start(self, router):
        refused = router.refused_labels()
        assert {"mist_webhook_events_total", "mist_site_clients", "mist_client_joins_total", "mist_map_assets"} <= set(
            refused
        )
        assert not any(refused.values())
