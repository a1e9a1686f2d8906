from collector.simulator.fleet import Fleet, FleetPlan
from tests.support.fleet import stream_messages


def test_three_parts_are_the_totals_of_an_org():
    fleet = Fleet(FleetPlan(orgs=2, sites=2, aps=3, switches=1, gateways=1, mxedges=1, reboots_per_device_day=0))
    org = fleet.orgs()[1]["id"]
    fleet.disconnect(fleet.device_stats(org, "ap")[0]["mac"])
    channel = f"/orgs/{org}/insights/summary"
    sent = [one for one in stream_messages(fleet.step(fleet.now + 181), "org") if one.channel == channel]
    assert len(sent) == 3
    assert len({frozenset(one.payload) for one in sent}) == 3
    totals = {key: value for one in sent for key, value in one.payload.items()}
    assert (totals["num_sites"], totals["num_aps"], totals["num_disconnected_aps"]) == (2, 6, 1)
    assert (totals["num_switches"], totals["num_gateways"], totals["num_mxedges"]) == (2, 2, 1)
    assert len(totals) == 32


def test_a_cadence_of_zero_sends_no_totals():
    fleet = Fleet(FleetPlan(sites=1, aps=0, insights_cadence_s=0))
    assert stream_messages(fleet.step(fleet.now + 600), "org") == []
