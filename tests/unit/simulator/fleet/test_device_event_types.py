import pytest

from collector.simulator.constants import constants
from collector.simulator.fleet.device_event_types import (
    ALARM_DEVICE_LISTS,
    ALARMS,
    DEVICE_EVENT_TYPES,
    EVENT_WEIGHTS,
    MXEDGE_EVENT_TYPES,
)


@pytest.mark.parametrize(("kind", "prefix"), [("ap", "AP_"), ("switch", "SW_"), ("gateway", "GW_")])
def test_types_are_unique_and_have_the_prefix_of_their_kind(kind, prefix):
    types = [row.type for row in DEVICE_EVENT_TYPES[kind]]
    assert len(set(types)) == len(types) == len(EVENT_WEIGHTS[kind])
    assert all(event_type.startswith(prefix) for event_type in types)


def test_every_change_of_the_connection_has_an_alarm_for_every_kind_of_device():
    assert ALARMS.keys() == {"DISCONNECTED", "CONNECTED", "RESTARTED"}
    for kinds in ALARMS.values():
        assert kinds.keys() == ALARM_DEVICE_LISTS.keys() == DEVICE_EVENT_TYPES.keys()


def test_some_types_are_not_in_the_constants_of_mist():
    listed = {row["key"] for row in constants("device_events")}
    sent = {row.type for rows in DEVICE_EVENT_TYPES.values() for row in rows}
    assert sent & listed
    assert sent - listed


def test_types_of_mist_edges_have_their_prefix():
    assert all(event_type.startswith("ME_") for event_type, _ in MXEDGE_EVENT_TYPES)
