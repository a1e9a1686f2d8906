"""Field names are distinguished from keys that are data."""

import pytest

from collector.feeds.reference import reference
from collector.mist.field_names import FIELD_NAMES, is_field_name


@pytest.mark.parametrize("name", ["mac", "radio_stat", "_ttl", "ap-availability", "analyticEnabled", "rx_error_count"])
def test_field_names(name):
    if "error_count" in name:
        assert name not in FIELD_NAMES
    assert is_field_name(name)


@pytest.mark.parametrize(
    "key", ["", "_", "alice", "alice_bob", "alice_name", "mac_", "0", "Mac", "rx__bytes", "rx_bytes@", "rx_" * 40]
)
def test_data(key):
    assert not is_field_name(key)


def test_every_field_of_the_reference_is_a_field_name():
    fields = reference()
    paths = [one["path"] for one in fields["not_exported"]]
    paths += [source["path"] for family in fields["families"] for source in family["sources"]]
    names = {name for path in paths for name in path.replace("[*]", "").split(".")}
    assert {
        name for name in names if name and not name.isdecimal() and name != "{key}" and not is_field_name(name)
    } == set()
