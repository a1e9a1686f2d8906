"""Numbers of members per combination of label values."""

import random

import pytest

from collector.feeds.gauge_table import EMPTY_ROW_TTL_S, GaugeTable
from collector.metrics.model import Entity, Gauge
from collector.metrics.store import Store
from tests.support.bench import exposed

CLIENTS = Entity("clients", labels=("site", "ssid"), ttl_s=None, families=(Gauge("clients", None, "Clients."),))


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def table(store):
    return GaugeTable(store, CLIENTS, max_rows=lambda: 2, keep=1)


def test_members_come_and_go(store, table):
    table.change(("s", "a"), 1, 0.0)
    table.change(("s", "a"), 1, 0.0)
    table.change(("s", "a"), -1, 0.0)
    assert exposed(store) == {'clients{site="s",ssid="a"}': 1.0}


def test_an_empty_row_ends_a_day_later(store, table):
    table.change(("s", "a"), 1, 0.0)
    table.change(("s", "a"), -1, 10.0)
    assert table.sweep(10.0 + EMPTY_ROW_TTL_S) == 0
    assert exposed(store) == {'clients{site="s",ssid="a"}': 0.0}
    assert table.sweep(11.0 + EMPTY_ROW_TTL_S) == 1
    assert exposed(store) == {}


def test_members_above_the_limit_are_counted_under_other(store, table):
    for ssid in "abcd":
        table.change(("s", ssid), 1, 0.0)
    assert exposed(store) == {
        'clients{site="s",ssid="a"}': 1.0,
        'clients{site="s",ssid="b"}': 1.0,
        'clients{site="s",ssid="other"}': 2.0,
    }


def test_a_member_leaves_the_row_that_it_joined(store, table):
    for ssid in "abc":
        table.change(("s", ssid), 1, 0.0)
    table.remove(lambda values: values == ("s", "a"))
    table.change(("s", "c"), -1, 0.0)
    assert exposed(store) == {'clients{site="s",ssid="b"}': 1.0, 'clients{site="s",ssid="other"}': 0.0}
    table.change(("s", "c"), 1, 0.0)
    assert exposed(store)['clients{site="s",ssid="c"}'] == 1.0


def test_a_removed_site_ends_its_row_with_other(store, table):
    for ssid in "abc":
        table.change(("s", ssid), 1, 0.0)
    table.remove(lambda values: values[0] == "s")
    assert exposed(store) == {}
    table.change(("s", "c"), 1, 0.0)
    assert exposed(store) == {'clients{site="s",ssid="c"}': 1.0}


@pytest.mark.parametrize("seed", range(20))
def test_the_total_is_the_number_of_members(store, table, seed):
    rng, members, now = random.Random(seed), [], 0.0
    for _ in range(500):
        now += rng.choice((0.0, EMPTY_ROW_TTL_S / 3))
        if members and rng.random() < 0.5:
            table.change(members.pop(rng.randrange(len(members))), -1, now)
        else:
            members.append(("s", rng.choice("abcdef")))
            table.change(members[-1], 1, now)
        table.sweep(now)
        values = exposed(store).values()
        assert sum(values) == len(members)
        assert min(values, default=0.0) >= 0.0
