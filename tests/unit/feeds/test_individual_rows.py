"""Optional rows per client or asset."""

import pytest

from collector.feeds.individual_rows import IndividualRows
from collector.metrics.model import Entity, Gauge
from tests.support.bench import Bench

CLIENT = Entity("one", labels=("org_id", "site_id", "mac"), ttl_s=60.0, families=(Gauge("one_value", "value", "V."),))
MACS = ("a", "b", "c")


@pytest.fixture
def bench():
    return Bench(CLIENT, labels=("org_id", "site_id", "mac"))


def write(bench, rows, now=0.0):
    for value, mac in enumerate(MACS):
        rows.write(mac, ("o", "s", mac), bench.kind.decode({"value": value}), now)


def macs(bench):
    return {place.labels[2] for place in bench.row_index.objects.values()}


def test_none_by_default(bench):
    rows = IndividualRows(bench.kind, 0)
    write(bench, rows)
    assert (macs(bench), rows.refused) == (set(), 0)


def test_a_limited_number(bench):
    rows = IndividualRows(bench.kind, 2)
    write(bench, rows)
    assert (macs(bench), rows.refused) == ({"a", "b"}, 1)
    rows.remove("a")
    write(bench, rows)
    assert macs(bench) == {"b", "a"}


def test_chosen_ones(bench):
    rows = IndividualRows(bench.kind, 0, ["c"])
    write(bench, rows)
    assert (macs(bench), rows.refused) == ({"c"}, 0)


def test_rows_expire(bench):
    rows = IndividualRows(bench.kind, 5)
    write(bench, rows)
    assert rows.sweep(61.0) == 3
