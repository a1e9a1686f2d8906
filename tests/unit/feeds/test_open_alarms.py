"""Alarms: which are new, and which are open."""

from __future__ import annotations

import pytest

from collector.errors import Rejected
from collector.feeds import open_alarms
from collector.feeds.router import FeedRouter
from tests.support.feeds import AT, HERE, PLACE, Clock, send, series

ALARM = {"id": "1", "type": "bad_cable", "group": "marvis", "severity": "critical", "timestamp": AT}
OPEN = f'mist_alarms_open{{{HERE},group="marvis",severity="critical"}}'
NEW = f'mist_alarms_total{{{HERE},group="marvis",severity="critical",type="bad_cable"}}'


@pytest.fixture
def clock():
    return Clock(100.0)


@pytest.fixture
def router(clock):
    return FeedRouter(now=clock)


def listed(router, *found):
    ids = {"org_id": "o", "site_id": ""}
    return [router.rest_object("alarm", {**PLACE, **alarm}, ids) for alarm in found]


class TestNew:
    """New alarms."""

    def test_an_update_is_an_event_but_no_new_alarm(self, router):
        send(router, "alarms", ALARM, {**ALARM, "update": True, "count": 2}, {**ALARM, "update": "true"})
        assert series(router)[NEW] == 1
        assert series(router)[f'mist_webhook_events_total{{{HERE},topic="alarms",type="bad_cable"}}'] == 3

    def test_the_resolution_of_an_alarm_is_not_a_new_alarm(self, router):
        send(router, "alarms", {**ALARM, "status": "open"}, {**ALARM, "status": "resolved"})
        assert series(router)[NEW] == 1

    def test_the_case_of_group_and_severity_is_ignored(self, router):
        send(router, "alarms", {**ALARM, "group": "MARVIS", "severity": "Critical", "update": False})
        assert series(router)[NEW] == 1

    def test_an_alarm_without_group_and_severity_is_counted_by_type(self, router):
        send(router, "alarms", {"id": "1", "type": "rogue-ap-detected"})
        assert series(router)[f'mist_alarms_total{{{HERE},type="rogue-ap-detected"}}'] == 1


class TestOpenByWebhook:
    """Alarms with a status."""

    def test_open_and_resolved(self, router):
        send(router, "alarms", {**ALARM, "status": "open"}, {**ALARM, "id": "2", "status": "Reoccurred"})
        assert series(router)[OPEN] == 2
        send(router, "alarms", {**ALARM, "status": "resolved", "last_seen": AT + 60})
        assert series(router)[OPEN] == 1

    def test_an_alarm_that_is_delivered_twice_is_open_once(self, router):
        send(router, "alarms", *[{**ALARM, "status": "open", "update": True, "count": n} for n in (1, 2, 3)])
        assert series(router)[OPEN] == 1

    def test_an_alarm_without_a_status_changes_nothing(self, router):
        send(router, "alarms", {**ALARM, "status": "open"}, ALARM, {**ALARM, "status": None})
        assert series(router)[OPEN] == 1

    def test_a_resolution_time_closes_an_alarm(self, router):
        send(router, "alarms", {**ALARM, "status": "open"}, {**ALARM, "resolved_time": "2023-11-15T00:00:00Z"})
        assert series(router)[OPEN] == 0

    def test_an_older_status_that_arrives_late_is_ignored(self, router):
        send(router, "alarms", {**ALARM, "status": "resolved", "last_seen": AT + 60}, {**ALARM, "status": "open"})
        assert series(router)[OPEN] == 0
        assert router.rejected_parts() == {("webhook:alarms", "stale"): 1}

    def test_the_severity_may_change(self, router):
        send(router, "alarms", {**ALARM, "severity": "warn", "status": "open"}, {**ALARM, "status": "open"})
        assert series(router)[OPEN] == 1
        assert series(router)[OPEN.replace("critical", "warn")] == 0

    @pytest.mark.parametrize("id_", [None, "", 7, ["1"]])
    def test_an_alarm_without_an_id_is_counted_as_rejected(self, router, id_):
        send(router, "alarms", {**ALARM, "id": id_, "status": "open"})
        assert series(router, "mist_alarms_open") == {}
        assert router.rejected_parts() == {("webhook:alarms", "no_identity"): 1}


class TestOpenByRest:
    """The alarm search lists all alarms."""

    def test_a_listed_alarm_is_open_unless_resolved_or_acknowledged(self, router):
        found = [
            ALARM,
            {**ALARM, "id": "2", "status": "open"},
            {**ALARM, "id": "3", "status": "resolved"},
            {**ALARM, "id": "4", "acked": True},
            {**ALARM, "id": "5", "acked": "false"},
        ]
        assert listed(router, *found) == [None] * 5
        assert series(router)[OPEN] == 3

    def test_an_alarm_of_an_org_without_a_site(self, router):
        ids = {"org_id": "o", "site_id": ""}
        router.rest_object("alarm", {"id": "1", "group": "marvis", "site_id": None}, ids)
        assert series(router) == {'mist_alarms_open{org_id="o",group="marvis"}': 1}

    def test_a_complete_poll_replaces_the_set(self, router, clock):
        send(router, "alarms", {**ALARM, "status": "open"})
        listed(router, {**ALARM, "id": "2"})
        clock.now = since = 400.0
        listed(router, {**ALARM, "id": "3"})
        router.rest_complete("alarm", "o", since)
        assert series(router)[OPEN] == 1

    def test_an_alarm_raised_during_the_poll_stays(self, router, clock):
        clock.now = since = 400.0
        send(router, "alarms", {**ALARM, "status": "open"})
        clock.now = 401.0
        router.rest_complete("alarm", "o", since)
        assert series(router)[OPEN] == 1

    def test_a_poll_of_one_org_does_not_change_another(self, router, clock):
        listed(router, ALARM)
        clock.now = 400.0
        router.rest_complete("alarm", "another", 400.0)
        assert series(router)[OPEN] == 1

    def test_an_alarm_without_an_id_is_rejected(self, router):
        assert listed(router, {**ALARM, "id": None}) == [Rejected("no_identity")]


class TestBounds:
    """Alarms without updates."""

    def test_they_are_removed_after_a_week(self, router, clock):
        listed(router, ALARM, {**ALARM, "id": "2"})
        clock.now += 3600.0
        listed(router, ALARM)
        clock.now = 100.0 + open_alarms.ALARM_TTL_S + 1
        assert sum(router.sweep()) == 1
        assert series(router)[OPEN] == 1

    def test_above_the_limit_the_oldest_is_removed(self, router, monkeypatch):
        monkeypatch.setattr(open_alarms, "MAX_ALARMS", 3)
        listed(router, *({**ALARM, "id": str(number)} for number in range(5)))
        assert series(router)[OPEN] == 3
