import itertools
import json
import random

import pytest

from collector.errors import Rejected
from collector.mist.envelope import parse
from collector.mist.session import (
    _TRANSITIONS,
    PING,
    Session,
    SessionFailure,
    SessionSettings,
    SubscriptionState,
    SubscriptionTrigger,
)


def subscribed(channel):
    return parse(json.dumps({"event": "channel_subscribed", "channel": channel}))


def refused(channel, detail="permission denied"):
    return parse(json.dumps({"event": "subscribe_failed", "channel": channel, "detail": detail}))


def unsubscribed(channel):
    return parse(json.dumps({"event": "channel_unsubscribed", "channel": channel}))


def data(channel, payload="{}"):
    return parse(json.dumps({"event": "data", "channel": channel, "data": payload}))


def opened(channels=("/a", "/b"), now=0.0, is_periodic=lambda _channel: True, **settings):
    session = Session(channels, SessionSettings(**settings), is_periodic=is_periodic)
    session.opened(now)
    return session


def turn(session, now):
    """What a connection does at `now`: returns the failure, or what was sent."""
    failure = session.tick(now)
    if failure is not None:
        return failure
    return [send if send is PING else json.loads(send.text) for send in session.to_send()]


def up(session, now=0.0):
    """Acknowledge every request."""
    while (sent := turn(session, now)) != []:
        for message in sent:
            session.receive(subscribed(message["subscribe"]), now)
    assert session.settled
    return session


def test_nothing_is_sent_before_the_connection_is_open():
    session = Session(["/a"])
    assert session.to_send() == []
    assert session.deadline() is None
    assert session.tick(99.0) is None
    assert not session.settled


def test_a_session_serves_one_connection():
    session = opened()
    with pytest.raises(RuntimeError):
        session.opened(1.0)


def test_each_channel_is_asked_for_in_its_own_message_and_settles_by_its_answer():
    session = opened()
    assert turn(session, 0.0) == [{"subscribe": "/a"}, {"subscribe": "/b"}]
    assert set(session.subscriptions.values()) == {SubscriptionState.SENT}
    session.receive(subscribed("/a"), 0.1)
    assert not session.settled
    session.receive(refused("/b"), 0.2)
    assert session.settled
    assert session.subscriptions == {"/a": SubscriptionState.UP, "/b": SubscriptionState.REFUSED}
    assert [(c.channel, c.state, c.detail) for c in session.take_changes()] == [
        ("/a", SubscriptionState.SENT, ""),
        ("/b", SubscriptionState.SENT, ""),
        ("/a", SubscriptionState.UP, ""),
        ("/b", SubscriptionState.REFUSED, "permission denied"),
    ]
    assert session.take_changes() == []


def test_1500_channels_are_asked_for_at_the_pace_of_the_answers():
    channels = [f"/{number}" for number in range(1500)]
    session = opened(channels)
    waiting = [message["subscribe"] for message in turn(session, 0.0)]
    assert len(waiting) == 100
    asked = list(waiting)
    while waiting:
        session.receive(subscribed(waiting.pop(0)), 0.0)
        more = [message["subscribe"] for message in turn(session, 0.0)]
        asked += more
        waiting += more
        assert len(waiting) <= 100
    assert asked == channels
    assert session.settled


def test_data_is_as_good_as_an_acknowledgement():
    session = opened(["/a"])
    turn(session, 0.0)
    session.receive(data("/a", "[1]"), 1.0)
    assert session.subscriptions == {"/a": SubscriptionState.UP}
    session.receive(subscribed("/a"), 1.1)
    assert session.subscriptions == {"/a": SubscriptionState.UP}


def test_a_lost_acknowledgement_costs_a_second_question_then_the_channel_alone():
    session = opened(["/a", "/b"])
    turn(session, 0.0)
    session.receive(subscribed("/a"), 0.1)
    assert session.deadline() == 10.0
    assert turn(session, 9.9) == []
    assert turn(session, 10.0) == [{"subscribe": "/b"}]
    assert session.subscriptions == {"/a": SubscriptionState.UP, "/b": SubscriptionState.RESENT}
    assert turn(session, 20.0) == []
    assert session.subscriptions == {"/a": SubscriptionState.UP, "/b": SubscriptionState.UNANSWERED}
    assert session.settled


def test_a_late_acknowledgement_still_brings_the_channel_up():
    session = opened(["/a", "/b"])
    turn(session, 0.0)
    session.receive(subscribed("/a"), 0.1)
    turn(session, 10.0)
    turn(session, 20.0)
    session.receive(subscribed("/b"), 25.0)
    assert session.subscriptions["/b"] is SubscriptionState.UP
    session.receive(data("/a"), 319.0)
    assert {"subscribe": "/b"} not in turn(session, 320.0)


def test_a_connection_that_never_answers_is_broken():
    session = opened()
    turn(session, 0.0)
    assert turn(session, 10.0) == [{"subscribe": "/a"}, {"subscribe": "/b"}]
    assert turn(session, 20.0) == SessionFailure("ack_timeout")


def test_a_refusal_is_an_answer():
    session = opened()
    turn(session, 0.0)
    session.receive(refused("/a"), 1.0)
    turn(session, 10.0)
    assert turn(session, 20.0) == []
    assert session.settled


def test_a_refused_channel_is_asked_for_again_quietly_and_may_come_up():
    session = opened(["/a", "/b"], silent_after_s=9999.0, ping_every_s=9999.0)
    turn(session, 0.0)
    session.receive(subscribed("/a"), 0.0)
    session.receive(refused("/b"), 1.0)
    session.take_changes()
    assert session.deadline() == 301.0
    assert turn(session, 300.9) == []
    for again in (301.0, 602.0, 903.0):
        assert turn(session, again) == [{"subscribe": "/b"}]
        assert session.settled
        session.receive(refused("/b"), again + 1.0)
        assert session.take_changes() == []
    assert turn(session, 1204.0) == [{"subscribe": "/b"}]
    session.receive(subscribed("/b"), 1204.5)
    assert session.subscriptions["/b"] is SubscriptionState.UP
    assert turn(session, 5000.0) == []


def test_a_retry_that_is_never_answered_is_tried_again_later():
    session = opened(["/a", "/b"], silent_after_s=9999.0, ping_every_s=9999.0)
    turn(session, 0.0)
    session.receive(subscribed("/a"), 0.0)
    session.receive(refused("/b"), 0.0)
    assert turn(session, 300.0) == [{"subscribe": "/b"}]
    assert turn(session, 310.0) == []
    assert session.subscriptions["/b"] is SubscriptionState.REFUSED
    assert turn(session, 609.9) == []
    assert turn(session, 610.0) == [{"subscribe": "/b"}]


def test_many_retries_keep_to_the_window():
    channels = [f"/{number}" for number in range(250)]
    session = opened(channels, silent_after_s=9999.0, ping_every_s=9999.0)
    while sent := turn(session, 0.0):
        for message in sent:
            session.receive(refused(message["subscribe"]), 0.0)
    counts = []
    while sent := turn(session, 300.0):
        counts.append(len(sent))
        for message in sent:
            session.receive(refused(message["subscribe"]), 300.0)
    assert counts == [100, 100, 50]


def test_a_channel_taken_away_is_refused_and_retried():
    session = up(opened(["/a"], silent_after_s=9999.0, ping_every_s=9999.0))
    session.take_changes()
    session.receive(unsubscribed("/a"), 50.0)
    (change,) = session.take_changes()
    assert (change.state, change.detail) == (SubscriptionState.REFUSED, "unsubscribed by Mist")
    assert turn(session, 350.0) == [{"subscribe": "/a"}]


def test_ping_each_minute_and_the_pong_in_45_seconds():
    session = up(opened(["/a"], silent_after_s=9999.0))
    assert session.deadline() == 60.0
    assert turn(session, 60.0) == [PING]
    session.pong_received(61.0)
    assert session.deadline() == 120.0
    assert turn(session, 120.0) == [PING]
    assert session.deadline() == 165.0
    assert turn(session, 164.9) == []
    assert turn(session, 165.0) == SessionFailure("pong_timeout")


@pytest.mark.parametrize("dies_at", [0.5, 59.0, 60.5, 100.0])
def test_a_half_open_link_is_found_within_105_seconds(dies_at):
    session = up(opened(["/a"]))
    now = 0.0
    while True:
        now = session.deadline()
        outcome = turn(session, now)
        if outcome == SessionFailure("pong_timeout"):
            break
        if outcome == [PING] and now < dies_at:
            session.pong_received(now)
    assert now - dies_at <= 105.0


def test_a_feed_that_is_up_and_says_nothing_is_silent():
    session = up(opened(["/a", "/b"], ping_every_s=9999.0))
    session.receive(data("/a"), 100.0)
    assert session.deadline() == 400.0
    assert turn(session, 399.9) == []
    assert turn(session, 400.0) == SessionFailure("silent")


def test_refusals_are_no_speech():
    session = opened(["/a", "/b"], ping_every_s=9999.0, retry_refused_s=200.0)
    turn(session, 0.0)
    session.receive(subscribed("/a"), 0.0)
    session.receive(refused("/b"), 0.0)
    assert turn(session, 200.0) == [{"subscribe": "/b"}]
    session.receive(refused("/b"), 200.0)
    assert turn(session, 300.0) == SessionFailure("silent")


@pytest.mark.parametrize("answer", [refused, None])
def test_a_feed_without_a_channel_that_is_up_cannot_be_silent(answer):
    session = opened(["/a"] if answer else [], ping_every_s=9999.0)
    turn(session, 0.0)
    if answer:
        session.receive(answer("/a"), 0.0)
    assert not isinstance(turn(session, 900.0), SessionFailure)


def test_channels_that_speak_only_of_events_may_be_silent():
    session = up(opened(["/events"], ping_every_s=9999.0, is_periodic=lambda channel: channel != "/events"))
    assert session.deadline() == 9999.0
    assert turn(session, 5000.0) == []


def test_a_channel_is_added_and_removed_on_the_living_connection():
    session = up(opened(["/a"]))
    session.subscribe("/b")
    session.subscribe("/b")
    assert session.deadline() == 0.0
    assert not session.settled
    assert turn(session, 1.0) == [{"subscribe": "/b"}]
    session.receive(subscribed("/b"), 1.0)
    session.unsubscribe("/a")
    session.unsubscribe("/never")
    assert session.deadline() == 1.0
    assert turn(session, 2.0) == [{"unsubscribe": "/a"}]
    session.receive(unsubscribed("/a"), 2.1)
    assert session.subscriptions == {"/b": SubscriptionState.UP}


def test_removing_a_channel_that_waits_sends_nothing():
    session = opened(["/a", "/b"], window=1)
    assert turn(session, 0.0) == [{"subscribe": "/a"}]
    session.unsubscribe("/b")
    session.receive(subscribed("/a"), 0.0)
    assert turn(session, 0.0) == []
    assert session.settled


def test_a_channel_that_goes_and_comes_back_is_asked_for_again():
    session = up(opened(["/a"]))
    session.unsubscribe("/a")
    session.subscribe("/a")
    session.receive(data("/a"), 1.0)  # of the old subscription: proves nothing
    assert session.subscriptions == {"/a": SubscriptionState.WAITING}
    assert turn(session, 1.0) == [{"unsubscribe": "/a"}, {"subscribe": "/a"}]
    session.receive(unsubscribed("/a"), 1.1)
    assert session.subscriptions == {"/a": SubscriptionState.SENT}
    session.receive(subscribed("/a"), 1.2)
    assert session.settled


def test_answers_about_channels_nobody_wants_say_nothing():
    session = opened(["/a"])
    turn(session, 0.0)
    for frame in (subscribed("/x"), refused("/x"), unsubscribed("/x"), data("/x")):
        session.receive(frame, 1.0)
    assert session.subscriptions == {"/a": SubscriptionState.SENT}
    turn(session, 10.0)
    assert turn(session, 20.0) == SessionFailure("ack_timeout")


def test_a_rejected_frame_changes_nothing():
    session = up(opened(["/a"]))
    session.take_changes()
    session.receive(Rejected("not_json"), 1.0)
    assert session.take_changes() == []
    assert session.settled


def test_many_data_messages_are_one_call():
    session = up(opened(["/a"], ping_every_s=50.0))
    session.data_received(100.0)
    assert turn(session, 100.0) == [PING]
    assert turn(session, 144.0) == []
    session.data_received(144.5)  # the pong may be queued behind data
    assert turn(session, 189.0) == []
    assert turn(session, 189.5) == SessionFailure("pong_timeout")
    session = up(opened(["/a"], ping_every_s=9999.0))
    session.data_received(100.0)
    assert turn(session, 399.0) == []
    assert turn(session, 400.0) == SessionFailure("silent")


@pytest.mark.parametrize(
    ("before", "after", "deadline"),
    [
        ({"ping_every_s": 600.0}, {"ping_every_s": 60.0}, 60.0),
        ({"ping_every_s": 60.0}, {"ping_every_s": 600.0}, 300.0),  # silent_after_s comes first
        ({"silent_after_s": 500.0, "ping_every_s": 900.0}, {"silent_after_s": 100.0, "ping_every_s": 900.0}, 100.0),
    ],
)
def test_settings_apply_to_the_open_connection(before, after, deadline):
    session = up(opened(["/a"], **before))
    session.use(SessionSettings(**after))
    assert session.deadline() == deadline


def test_settings_apply_to_a_ping_and_to_requests_on_their_way():
    session = opened(["/a", "/b"], ping_every_s=5.0)
    turn(session, 0.0)
    session.receive(refused("/a"), 0.0)
    session.use(SessionSettings(ping_every_s=5.0, ack_timeout_s=3.0, retry_refused_s=4.0, pong_within_s=1.0))
    assert turn(session, 3.0) == [{"subscribe": "/b"}]
    assert turn(session, 4.0) == [{"subscribe": "/a"}]
    assert turn(session, 5.0) == [PING]
    assert turn(session, 6.0) == SessionFailure("pong_timeout")


@pytest.mark.parametrize(("state", "trigger"), list(itertools.product(SubscriptionState, SubscriptionTrigger)))
def test_the_table_is_followed_and_any_other_transition_raises(state, trigger):
    session = opened(["/a"])
    session.subscriptions["/a"] = state
    expected = _TRANSITIONS[state].get(trigger)
    if expected is None:
        with pytest.raises(RuntimeError, match=f"no transition from {state} by {trigger.value}"):
            session._move("/a", trigger)
    else:
        assert session._move("/a", trigger) is expected


def test_every_state_is_reachable_from_waiting():
    reached, fresh = {SubscriptionState.WAITING}, {SubscriptionState.WAITING}
    while fresh:
        fresh = {target for state in fresh for target in _TRANSITIONS[state].values()} - reached
        reached |= fresh
    assert reached == set(SubscriptionState)


class Recorded(Session):
    """Records which rows of the table were used."""

    def __init__(self, *arguments, used, **settings):
        self.used = used
        super().__init__(*arguments, **settings)

    def _move(self, channel, trigger, detail=""):
        self.used.add((self.subscriptions[channel], trigger))
        return super()._move(channel, trigger, detail)


def test_every_row_of_the_table_is_used_and_none_is_missing():
    """Random messages at random times, on several connections: no transition is missing, and none is superfluous."""
    rng, used = random.Random(1), set()
    for _ in range(200):
        session = Recorded(("/a", "/b", "/c"), SessionSettings(retry_refused_s=20.0, window=2), used=used)
        now = 0.0
        session.opened(now)
        for _ in range(100):
            if isinstance(turn(session, now), SessionFailure):
                break
            message = rng.choice([subscribed, refused, unsubscribed, data])
            channel = rng.choice(["/a", "/a", "/b", "/c", "/x"])
            if rng.random() < 0.4:
                session.receive(message(channel), now)
            elif rng.random() < 0.05:
                session.unsubscribe(channel)
                session.subscribe(channel)
            now += rng.choice([0.1, 1.0, 5.0])
    assert used == {(state, trigger) for state, row in _TRANSITIONS.items() for trigger in row}
