from random import Random

import pytest

from collector.simulator.fleet import FleetPlan
from collector.simulator.fleet.client_payloads import ClientState, frame_payload, join_event, session_event
from collector.simulator.fleet.context import FleetContext
from collector.simulator.fleet.sites import make_org, make_site
from tests.support.fleet import missing_leaves, stream_messages


@pytest.fixture
def unassociated():
    context = FleetContext(FleetPlan(start=0.0))
    site = make_site(1, make_org(1, 0, 0.0), 0, 0.0)
    site.rng = Random(1)
    return ClientState(context, site, 0)


@pytest.mark.parametrize("make", [frame_payload, join_event])
def test_a_client_without_an_association_has_no_payload(unassociated, make):
    with pytest.raises(RuntimeError, match="without an association"):
        make(unassociated, 0.0)
    assert unassociated.bssid == ""


def test_a_client_without_an_association_has_no_session(unassociated):
    with pytest.raises(RuntimeError, match="without an association"):
        session_event(unassociated, 0.0, 1, "000000000000")


def test_both_names_of_the_packet_counters_and_clients_without_location_occur(quiet):
    sent = [one.payload for one in stream_messages(quiet.step(quiet.now + 33), kind="client")]
    assert {("tx_packets" in one, "tx_pkts" in one) for one in sent} == {(True, False), (False, True)}
    assert {one["map_id"] is None for one in sent} == {True, False}
    assert all(one["_ttl"] == 300 for one in sent)


def test_clients_have_every_leaf_of_the_table(quiet):
    sent = []
    for _ in range(40):
        sent += [one.payload for one in stream_messages(quiet.step(quiet.now + 60), kind="client")]
    assert missing_leaves("client", sent) == []


def test_the_bssid_belongs_to_the_radio(quiet):
    for one in stream_messages(quiet.step(quiet.now + 33), kind="client"):
        bssid, ap = int(one.payload["bssid"], 16), int(one.payload["ap_mac"], 16)
        assert 0x10 < bssid - ap < 0x40
