import pytest

from collector.simulator.fleet import Fleet, FleetPlan
from collector.simulator.fleet.factories import DEVICE_FACTORIES
from tests.support.fleet import stream_messages


@pytest.mark.parametrize("name", DEVICE_FACTORIES)
def test_every_entry_of_a_plan_makes_devices_of_its_kind(name, site_of):
    factory = DEVICE_FACTORIES[name]
    fleet = Fleet(FleetPlan(**{"sites": 1, "aps": 0, "clients_per_ap": 0} | {factory.plan_field: 2}))
    assert len(fleet.macs()) == len(fleet.macs(factory.kind)) == 2


@pytest.mark.parametrize("name", DEVICE_FACTORIES)
def test_every_kind_can_be_added_and_removed(wired, site_of, name):
    mac = wired.add_device(site_of(wired), name)
    assert wired.truth(mac)["kind"] == DEVICE_FACTORIES[name].kind
    assert stream_messages(wired.step(wired.now + 33), DEVICE_FACTORIES[name].kind, mac)
    wired.remove_device(mac)
    assert not stream_messages(wired.step(wired.now + 100), None, mac)
    assert mac not in wired.macs()
