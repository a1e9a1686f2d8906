import pytest

from collector.simulator.constants import (
    NAMES,
    constants,
    logged_topics,
    single_event_topics,
    webhook_topics,
)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "device_models"])
def test_the_keys_of_a_list_are_unique(name):
    keys = [row["key"] for row in constants(name)]
    assert len(set(keys)) == len(keys) > 5


def test_an_unknown_list_is_a_key_error():
    with pytest.raises(KeyError):
        constants("cats")


def test_some_topics_are_allowed_only_for_sites():
    of_org, of_site = webhook_topics(for_site=False), webhook_topics(for_site=True)
    assert of_org < of_site
    assert "location" in of_site - of_org
    assert "ping" not in of_site


def test_topics_with_single_events_and_with_a_log_are_a_part_of_all_topics():
    known = {topic["key"] for topic in constants("webhook_topics")}
    assert "device-events" in single_event_topics() < known
    assert "audits" in logged_topics() < known
