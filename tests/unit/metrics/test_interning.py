"""Equal texts are one object, and are released again."""

import sys

from collector.metrics import interning
from collector.metrics.interning import InternTable


def fresh(text):
    """An equal text that is another object."""
    return "".join(list(text))


def test_equal_texts_become_one():
    table = InternTable()
    first = table.intern(fresh("AP45"))
    assert table.intern(fresh("AP45")) is first
    assert table.intern(fresh("AP33")) == "AP33"


def test_the_table_is_bounded():
    table = InternTable(half=100)
    for number in range(1_000):
        table.intern(f"name {number}")
        assert len(table) <= 200


def test_frequent_texts_stay_interned():
    table = InternTable(half=100)
    first = table.intern(fresh("1.2.3"))
    for number in range(1_000):
        table.intern(f"name {number}")
        assert table.intern(fresh("1.2.3")) is first


def test_sys_intern_is_used_where_it_releases_strings(monkeypatch):
    assert interning.interning_function() is sys.intern or sys.version_info[:2] == (3, 12)
    monkeypatch.setattr(sys, "getrefcount", lambda _text: 0xFFFFFFFF)  # as the first releases of 3.12 answer
    assert interning.interning_function() is not sys.intern
