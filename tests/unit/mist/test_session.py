import itertools
import json

import pytest

from collector.errors import Rejected
from collector.mist.envelope import Data
from collector.mist.session import _TABLE, PING, Broken, Cause, Session, State


def subscribed(channel):
    return json.dumps({"event": "channel_subscribed", "channel": channel}).encode()


def refused(channel, detail="permission denied"):
    return json.dumps({"event": "subscribe_failed", "channel": channel, "detail": detail}).encode()


def unsubscribed(channel):
    return json.dumps({"event": "channel_unsubscribed", "channel": channel}).encode()


def news(channel, payload="{}"):
    return json.dumps({"event": "data", "channel": channel, "data": payload}).encode()


def opened(channels=("/a", "/b"), now=0.0, **settings):
    session = Session(channels, **settings)
    session.opened(now)
    return session


def turn(session, now):
    """One turn of the shell: returns the break, or what was sent."""
    broken = session.tick(now)
    if broken is not None:
        return broken
    return [send if send is PING else json.loads(send.text) for send in session.to_send()]


def up(session, now=0.0):
    """Bring all of it up."""
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
    assert set(session.subscriptions.values()) == {State.SENT}
    session.receive(subscribed("/a"), 0.1)
    assert not session.settled
    session.receive(refused("/b"), 0.2)
    assert session.settled
    assert session.subscriptions == {"/a": State.UP, "/b": State.REFUSED}
    assert [(c.channel, c.state, c.detail) for c in session.take_changes()] == [
        ("/a", State.SENT, ""),
        ("/b", State.SENT, ""),
        ("/a", State.UP, ""),
        ("/b", State.REFUSED, "permission denied"),
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
    assert session.receive(news("/a", "[1]"), 1.0) == Data("/a", "[1]")
    assert session.subscriptions == {"/a": State.UP}
    session.receive(subscribed("/a"), 1.1)
    assert session.subscriptions == {"/a": State.UP}


def test_a_lost_acknowledgement_costs_a_second_question_then_the_channel_alone():
    session = opened(["/a", "/b"])
    turn(session, 0.0)
    session.receive(subscribed("/a"), 0.1)
    assert session.deadline() == 10.0
    assert turn(session, 9.9) == []
    assert turn(session, 10.0) == [{"subscribe": "/b"}]
    assert session.subscriptions == {"/a": State.UP, "/b": State.RESENT}
    assert turn(session, 20.0) == []
    assert session.subscriptions == {"/a": State.UP, "/b": State.UNANSWERED}
    assert session.settled


def test_a_late_acknowledgement_still_brings_the_channel_up():
    session = opened(["/a", "/b"])
    turn(session, 0.0)
    session.receive(subscribed("/a"), 0.1)
    turn(session, 10.0)
    turn(session, 20.0)
    session.receive(subscribed("/b"), 25.0)
    assert session.subscriptions["/b"] is State.UP
    session.receive(news("/a"), 319.0)
    assert {"subscribe": "/b"} not in turn(session, 320.0)


def test_a_connection_that_never_answers_is_broken():
    session = opened()
    turn(session, 0.0)
    assert turn(session, 10.0) == [{"subscribe": "/a"}, {"subscribe": "/b"}]
    assert turn(session, 20.0) == Broken("ack_timeout")


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
    assert session.subscriptions["/b"] is State.UP
    assert turn(session, 5000.0) == []


def test_a_retry_that_is_never_answered_is_tried_again_later():
    session = opened(["/a", "/b"], silent_after_s=9999.0, ping_every_s=9999.0)
    turn(session, 0.0)
    session.receive(subscribed("/a"), 0.0)
    session.receive(refused("/b"), 0.0)
    assert turn(session, 300.0) == [{"subscribe": "/b"}]
    assert turn(session, 310.0) == []
    assert session.subscriptions["/b"] is State.REFUSED
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
    assert (change.state, change.detail) == (State.REFUSED, "unsubscribed by Mist")
    assert turn(session, 350.0) == [{"subscribe": "/a"}]


def test_ping_each_minute_and_the_pong_in_45_seconds():
    session = up(opened(["/a"], silent_after_s=9999.0))
    assert session.deadline() == 60.0
    assert turn(session, 60.0) == [PING]
    session.ponged(61.0)
    assert session.deadline() == 120.0
    assert turn(session, 120.0) == [PING]
    assert session.deadline() == 165.0
    assert turn(session, 164.9) == []
    assert turn(session, 165.0) == Broken("pong_timeout")


@pytest.mark.parametrize("dies_at", [0.5, 59.0, 60.5, 100.0])
def test_a_half_open_link_is_found_within_105_seconds(dies_at):
    session = up(opened(["/a"]))
    now = 0.0
    while True:
        now = session.deadline()
        outcome = turn(session, now)
        if outcome == Broken("pong_timeout"):
            break
        if outcome == [PING] and now < dies_at:
            session.ponged(now)
    assert now - dies_at <= 105.0


def test_a_feed_that_is_up_and_says_nothing_is_silent():
    session = up(opened(["/a", "/b"], ping_every_s=9999.0))
    session.receive(news("/a"), 100.0)
    assert session.deadline() == 400.0
    assert turn(session, 399.9) == []
    assert turn(session, 400.0) == Broken("silent")


def test_refusals_are_no_speech():
    session = opened(["/a", "/b"], ping_every_s=9999.0, retry_refused_s=200.0)
    turn(session, 0.0)
    session.receive(subscribed("/a"), 0.0)
    session.receive(refused("/b"), 0.0)
    assert turn(session, 200.0) == [{"subscribe": "/b"}]
    session.receive(refused("/b"), 200.0)
    assert turn(session, 300.0) == Broken("silent")


@pytest.mark.parametrize("answer", [refused, None])
def test_a_feed_without_a_channel_that_is_up_cannot_be_silent(answer):
    session = opened(["/a"] if answer else [], ping_every_s=9999.0)
    turn(session, 0.0)
    if answer:
        session.receive(answer("/a"), 0.0)
    assert not isinstance(turn(session, 900.0), Broken)


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
    assert session.subscriptions == {"/b": State.UP}


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
    session.receive(news("/a"), 1.0)  # of the old subscription: proves nothing
    assert session.subscriptions == {"/a": State.WAITING}
    assert turn(session, 1.0) == [{"unsubscribe": "/a"}, {"subscribe": "/a"}]
    session.receive(unsubscribed("/a"), 1.1)
    assert session.subscriptions == {"/a": State.SENT}
    session.receive(subscribed("/a"), 1.2)
    assert session.settled


def test_answers_about_channels_nobody_wants_say_nothing():
    session = opened(["/a"])
    turn(session, 0.0)
    for frame in (subscribed("/x"), refused("/x"), unsubscribed("/x"), news("/x")):
        session.receive(frame, 1.0)
    assert session.subscriptions == {"/a": State.SENT}
    turn(session, 10.0)
    assert turn(session, 20.0) == Broken("ack_timeout")


def test_rubbish_is_handed_on_and_changes_nothing():
    session = up(opened(["/a"]))
    session.take_changes()
    assert session.receive(b"\x00{", 1.0) == Rejected("not_json")
    assert session.take_changes() == []
    assert session.settled


@pytest.mark.parametrize(("state", "cause"), list(itertools.product(State, Cause)))
def test_the_table_is_followed_and_the_rest_raises(state, cause):
    session = opened(["/a"])
    session.subscriptions["/a"] = state
    expected = _TABLE[state].get(cause)
    if expected is None:
        with pytest.raises(RuntimeError, match=f"{cause.value} cannot happen to a channel that is {state}"):
            session._move("/a", cause)
    else:
        assert session._move("/a", cause) is expected


def test_every_state_can_be_reached_from_waiting():
    reached, fresh = {State.WAITING}, {State.WAITING}
    while fresh:
        fresh = {target for state in fresh for target in _TABLE[state].values()} - reached
        reached |= fresh
    assert reached == set(State)
