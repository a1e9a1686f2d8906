"""Alarms: which are new, which are open, and who says so last."""

from __future__ import annotations

import pytest

from collector.errors import Rejected
from collector.feeds import open_alarms
from collector.feeds.router import FeedRouter
from tests.unit.feeds.test_event_feed import AT, HERE, PLACE, send, told

ALARM = {"id": "1", "type": "bad_cable", "group": "marvis", "severity": "critical", "timestamp": AT}
OPEN = f'mist_alarms_open{{{HERE},group="marvis",severity="critical"}}'
NEW = f'mist_alarms_total{{{HERE},group="marvis",severity="critical",type="bad_cable"}}'


class Clock:
    """Monotonic seconds, set by hand."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def catalog(clock):
    return FeedRouter(now=clock)


def listed(catalog, *found):
    ids = {"org_id": "o", "site_id": ""}
    return [catalog.rest_object("alarm", {**PLACE, **alarm}, ids) for alarm in found]


class TestNew:
    """Counted when raised."""

    def test_an_update_is_an_event_but_no_new_alarm(self, catalog):
        send(catalog, "alarms", ALARM, {**ALARM, "update": True, "count": 2}, {**ALARM, "update": "true"})
        assert told(catalog)[NEW] == 1
        assert told(catalog)[f'mist_webhook_events_total{{{HERE},topic="alarms",type="bad_cable"}}'] == 3

    def test_the_end_of_an_alarm_is_no_new_one(self, catalog):
        send(catalog, "alarms", {**ALARM, "status": "open"}, {**ALARM, "status": "resolved"})
        assert told(catalog)[NEW] == 1

    def test_an_alarm_of_a_group_and_severity_written_otherwise(self, catalog):
        send(catalog, "alarms", {**ALARM, "group": "MARVIS", "severity": "Critical", "update": False})
        assert told(catalog)[NEW] == 1

    def test_an_alarm_without_group_and_severity_counts_by_its_type(self, catalog):
        send(catalog, "alarms", {"id": "1", "type": "rogue-ap-detected"})
        assert told(catalog)[f'mist_alarms_total{{{HERE},type="rogue-ap-detected"}}'] == 1


class TestOpenByWebhook:
    """Some alarms say whether they are open."""

    def test_open_and_resolved(self, catalog):
        send(catalog, "alarms", {**ALARM, "status": "open"}, {**ALARM, "id": "2", "status": "Reoccurred"})
        assert told(catalog)[OPEN] == 2
        send(catalog, "alarms", {**ALARM, "status": "resolved", "last_seen": AT + 60})
        assert told(catalog)[OPEN] == 1

    def test_told_twice_is_open_once(self, catalog):
        send(catalog, "alarms", *[{**ALARM, "status": "open", "update": True, "count": n} for n in (1, 2, 3)])
        assert told(catalog)[OPEN] == 1

    def test_one_that_does_not_say_changes_nothing(self, catalog):
        send(catalog, "alarms", {**ALARM, "status": "open"}, ALARM, {**ALARM, "status": None})
        assert told(catalog)[OPEN] == 1

    def test_a_moment_of_resolution_says_it_too(self, catalog):
        send(catalog, "alarms", {**ALARM, "status": "open"}, {**ALARM, "resolved_time": "2023-11-15T00:00:00Z"})
        assert told(catalog)[OPEN] == 0

    def test_open_that_comes_after_resolved_but_happened_before_is_late(self, catalog):
        send(catalog, "alarms", {**ALARM, "status": "resolved", "last_seen": AT + 60}, {**ALARM, "status": "open"})
        assert told(catalog)[OPEN] == 0
        assert catalog.rejected_parts() == {("webhook:alarms", "stale"): 1}

    def test_it_may_become_severe(self, catalog):
        send(catalog, "alarms", {**ALARM, "severity": "warn", "status": "open"}, {**ALARM, "status": "open"})
        assert told(catalog)[OPEN] == 1
        assert told(catalog)[OPEN.replace("critical", "warn")] == 0

    @pytest.mark.parametrize("id_", [None, "", 7, ["1"]])
    def test_one_without_an_id_is_counted_as_left_out(self, catalog, id_):
        send(catalog, "alarms", {**ALARM, "id": id_, "status": "open"})
        assert told(catalog, "mist_alarms_open") == {}
        assert catalog.rejected_parts() == {("webhook:alarms", "no_identity"): 1}


class TestOpenByRest:
    """The alarm search knows all."""

    def test_what_is_listed_is_open_unless_resolved_or_acknowledged(self, catalog):
        found = [
            ALARM,
            {**ALARM, "id": "2", "status": "open"},
            {**ALARM, "id": "3", "status": "resolved"},
            {**ALARM, "id": "4", "acked": True},
            {**ALARM, "id": "5", "acked": "false"},
        ]
        assert listed(catalog, *found) == [None] * 5
        assert told(catalog)[OPEN] == 3

    def test_an_alarm_of_an_org_alone(self, catalog):
        ids = {"org_id": "o", "site_id": ""}
        catalog.rest_object("alarm", {"id": "1", "group": "marvis", "site_id": None}, ids)
        assert told(catalog) == {'mist_alarms_open{org_id="o",group="marvis"}': 1}

    def test_a_complete_poll_replaces_the_set(self, catalog, clock):
        send(catalog, "alarms", {**ALARM, "status": "open"})
        listed(catalog, {**ALARM, "id": "2"})
        clock.now = began = 400.0
        listed(catalog, {**ALARM, "id": "3"})
        catalog.events.complete_alarms("o", began)
        assert told(catalog)[OPEN] == 1

    def test_what_a_webhook_told_meanwhile_stays(self, catalog, clock):
        clock.now = began = 400.0
        send(catalog, "alarms", {**ALARM, "status": "open"})
        clock.now = 401.0
        catalog.events.complete_alarms("o", began)
        assert told(catalog)[OPEN] == 1

    def test_a_poll_of_one_org_says_nothing_of_another(self, catalog, clock):
        listed(catalog, ALARM)
        clock.now = 400.0
        catalog.events.complete_alarms("another", 400.0)
        assert told(catalog)[OPEN] == 1

    def test_one_without_an_id_is_rejected(self, catalog):
        assert listed(catalog, {**ALARM, "id": None}) == [Rejected("no_identity")]


class TestBounds:
    """Alarms that nobody speaks of any more."""

    def test_they_are_forgotten_after_a_week(self, catalog, clock):
        listed(catalog, ALARM, {**ALARM, "id": "2"})
        clock.now += 3600.0
        listed(catalog, ALARM)
        clock.now = 100.0 + open_alarms.KEEP_S + 1
        assert sum(catalog.sweep()) == 1
        assert told(catalog)[OPEN] == 1

    def test_beyond_the_limit_the_oldest_goes(self, catalog, monkeypatch):
        monkeypatch.setattr(open_alarms, "REMEMBERED", 3)
        listed(catalog, *({**ALARM, "id": str(number)} for number in range(5)))
        assert told(catalog)[OPEN] == 3
