"""Rows of the channel subscriptions, written before each exposition."""

from __future__ import annotations

import pytest

from collector.metrics.store import Store
from collector.metrics.subscriptions import Subscriptions
from collector.metrics.text_format import render_all
from collector.status import ConnectionStatus, SubscriptionStatus
from tests.support import golden
from tests.support.bench import exposed

BOOT = 1_700_000_000.0  # Unix time at monotonic 0


def to_unix(monotonic: float) -> float:
    return BOOT + monotonic


@pytest.fixture
def connection() -> ConnectionStatus:
    up = SubscriptionStatus("/a", state="up", frames=5, last_message_at=7.0, disconnects=2)
    return ConnectionStatus("main/0", account="main", subscriptions={"/a": up, "/b": SubscriptionStatus("/b")})


@pytest.fixture
def connections(connection) -> list[ConnectionStatus]:
    return [connection]


@pytest.fixture
def store(connections) -> Store:
    store = Store()
    Subscriptions(store, connections, to_unix)
    return store


def short(store: Store) -> dict[str, float]:
    return {key.removeprefix("mist_collector_subscription_"): value for key, value in exposed(store).items()}


def test_one_row_per_channel(store):
    assert short(store) == {
        'up{account="main",channel="/a"}': 1.0,
        'up{account="main",channel="/b"}': 0.0,
        'last_message_timestamp_seconds{account="main",channel="/a"}': BOOT + 7.0,
        'messages_total{account="main",channel="/a"}': 5.0,
        'messages_total{account="main",channel="/b"}': 0.0,
        'breaks_total{account="main",channel="/a"}': 2.0,
        'breaks_total{account="main",channel="/b"}': 0.0,
    }


def test_changes(store, connection):
    short(store)
    connection.subscriptions["/a"].frames = 6
    connection.subscriptions["/a"].state = "sent"
    found = short(store)
    assert found['messages_total{account="main",channel="/a"}'] == 6.0
    assert found['up{account="main",channel="/a"}'] == 0.0


def test_a_channel_that_is_no_longer_subscribed_ends(store, connection, connections):
    short(store)
    del connection.subscriptions["/a"]
    assert {key.partition("channel=")[2] for key in short(store)} == {'"/b"}'}
    connections.clear()
    assert short(store) == {}


def test_it_yields_after_short_steps():
    store = Store()
    channels = {f"/{n}": SubscriptionStatus(f"/{n}") for n in range(2500)}
    Subscriptions(store, [ConnectionStatus("main/0", subscriptions=channels)], to_unix)
    assert len(list(store.flush())) == 2
    assert len(store.tables["subscription"]) == 2500


def test_promtool_accepts_it(store, promtool):
    assert not golden.lint(promtool, render_all(store).decode())
