"""A channel is live while it delivers; one that is subscribed but silent is polled for instead, where REST can."""

from types import SimpleNamespace

import pytest

from collector.daemon.channel_health import STALE_AFTER_S, ChannelHealth
from collector.status import ConnectionStatus, SubscriptionStatus
from tests.support.clock import ManualClock

CHANNEL = "/sites/s/stats/devices"


def health(clock, *, state="up", last=None, pollable=True):
    requests = []

    def ask(channel):
        requests.append(channel)
        return pollable

    subscription = SubscriptionStatus(CHANNEL, state=state, last_message_at=last)
    connection = ConnectionStatus("main/0", account="main", subscriptions={CHANNEL: subscription})
    account = SimpleNamespace(name="main", backfill=SimpleNamespace(request=ask))
    return ChannelHealth([account], [connection], clock), requests


@pytest.mark.parametrize("state", ["waiting", "sent", "refused", "unanswered"])
def test_a_channel_that_is_not_up_is_not_live(state):
    one, requests = health(ManualClock(), state=state)
    assert not one.is_live(CHANNEL)
    assert requests == []


def test_an_unknown_channel_is_not_live():
    assert not health(ManualClock())[0].is_live("/sites/other/stats/devices")


def test_a_channel_that_delivers_is_live():
    clock = ManualClock()
    one, requests = health(clock, last=clock.now() - STALE_AFTER_S + 1)
    assert one.is_live(CHANNEL)
    assert requests == []


def test_a_stale_channel_is_polled_instead():
    clock = ManualClock()
    one, requests = health(clock, last=clock.now() - STALE_AFTER_S)
    assert not one.is_live(CHANNEL)
    assert requests == [CHANNEL]


def test_a_stale_channel_that_rest_knows_nothing_of_counts_as_live():
    assert health(ManualClock(), pollable=False)[0].is_live(CHANNEL)
