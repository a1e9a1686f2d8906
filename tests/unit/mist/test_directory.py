"""The directory: what a reading adds, changes and removes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.mist.directory import Changes, Device, Directory, EntryChange, Org, Site

ORG, OTHER = Org("org-1", "Acme"), Org("org-2", "Globex")
HQ, LAB, SHOP = Site("site-1", "org-1", "HQ"), Site("site-2", "org-1", "Lab"), Site("site-3", "org-2", "Shop")
AP = Device("5c5b35000001", type="ap", site_id="site-1", org_id="org-1")
SWITCH = Device("5c5b35000002", type="switch", site_id="site-2", org_id="org-1")
GATEWAY = Device("5c5b35000003", type="gateway", site_id="site-3", org_id="org-2")


def full() -> Directory:
    directory = Directory()
    directory.replace([ORG, OTHER], [HQ, LAB, SHOP], [AP, SWITCH, GATEWAY])
    return directory


def test_the_first_reading_adds_everything():
    directory = Directory()
    changes = directory.replace([ORG], [HQ, LAB], [AP])
    assert changes == Changes(orgs_added=(ORG,), sites_added=(HQ, LAB), devices_added=(AP,))
    assert directory.orgs == {"org-1": ORG}
    assert directory.sites == {"site-1": HQ, "site-2": LAB}
    assert directory.devices == {"5c5b35000001": AP}


def test_the_batches_of_changes_are_all_of_them():
    sites = [Site(f"site-{number}", "org-1") for number in range(7)]
    changes = Directory().replace([ORG], sites, [AP])
    batches = list(changes.batches(3))
    assert [len(batch.sites_added) for batch in batches] == [3, 3, 1]
    assert tuple(site for batch in batches for site in batch.sites_added) == changes.sites_added
    assert batches[0].orgs_added == (ORG,)
    assert batches[0].devices_added == (AP,)
    assert not any(batch.orgs_added or batch.devices_added for batch in batches[1:])


def test_an_equal_reading_changes_nothing():
    directory = full()
    assert not directory.replace([ORG, OTHER], [HQ, LAB, SHOP], [AP, SWITCH, GATEWAY])


def test_a_complete_reading_removes_what_it_no_longer_lists():
    directory = full()
    changes = directory.replace([ORG], [HQ], [AP])
    assert changes == Changes(orgs_removed=(OTHER,), sites_removed=(LAB, SHOP), devices_removed=(SWITCH, GATEWAY))
    assert set(directory.devices) == {AP.mac}


def test_a_rename_and_a_move_are_changes():
    directory = full()
    renamed = Site("site-1", "org-1", "Head office")
    moved = Device("5c5b35000001", type="ap", site_id="site-2", org_id="org-1")
    changes = directory.replace([ORG, OTHER], [renamed, LAB, SHOP], [moved, SWITCH, GATEWAY])
    assert changes == Changes(sites_changed=(EntryChange(HQ, renamed),), devices_changed=(EntryChange(AP, moved),))


def test_an_org_that_could_not_be_read_keeps_everything():
    directory = full()
    changes = directory.replace([OTHER], [SHOP], [GATEWAY], unread_orgs={"org-1"})
    assert not changes
    assert set(directory.sites) == {"site-1", "site-2", "site-3"}


def test_what_a_partial_reading_listed_is_taken_over():
    directory = full()
    renamed, found = Org("org-1", "Acme Inc"), Site("site-9", "org-1", "New")
    changes = directory.replace([renamed, OTHER], [found, SHOP], [GATEWAY], unread_orgs={"org-1"})
    assert changes == Changes(orgs_changed=(EntryChange(ORG, renamed),), sites_added=(found,))


def test_a_site_that_could_not_be_read_keeps_its_devices():
    directory = full()
    changes = directory.replace([ORG, OTHER], [SHOP], [GATEWAY], unread_sites={"site-1"})
    assert changes == Changes(sites_removed=(LAB,), devices_removed=(SWITCH,))
    assert directory.devices.keys() == {AP.mac, GATEWAY.mac}


macs = st.integers(0, 9).map(lambda number: f"5c5b3500000{number}")
devices = st.lists(st.builds(Device, mac=macs, org_id=st.sampled_from(["org-1", "org-2"])), max_size=12)


@given(devices, devices, st.sets(st.sampled_from(["org-1", "org-2"])))
def test_changes_account_for_every_difference(before, after, unread):
    directory = Directory()
    directory.replace([], [], before)
    old = dict(directory.devices)
    changes = directory.replace([], [], after, unread_orgs=unread)
    gone = {device.mac for device in changes.devices_removed}
    added = {device.mac for device in changes.devices_added}
    assert old.keys() - gone | added == directory.devices.keys()
    assert not any(device.org_id in unread for device in changes.devices_removed)
    assert {device.mac for device in after} <= directory.devices.keys()


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (
            {"mac": "5C:5B:35:00:00:18", "id": "d", "type": "ap", "model": "AP41", "name": "hallway", "serial": "FX",
             "site_id": "s", "org_id": "o", "connected": True},
            Device("5c5b35000018", "d", "ap", "AP41", "hallway", "s", "o", "FX", connected=True),
        ),
        ({"mac": "5c5b35000018", "site_id": None, "name": None}, Device("5c5b35000018", org_id="org", site_id="site")),
        ({"mac": "5c5b35000018", "status": "disconnected"},
         Device("5c5b35000018", org_id="org", site_id="site", connected=False)),
        ({"mac": "5c5b35000018", "status": "connected", "vc_mac": "5c5b35000099"},
         Device("5c5b35000018", org_id="org", site_id="site", connected=True, vc_mac="5c5b35000099")),
        ({"mac": "not a mac"}, None),
        ({"name": "no mac at all"}, None),
        ({"mac": ["5c5b35000018"]}, None),
    ],
)  # fmt: skip
def test_a_device_is_read_from_inventory_and_from_stats(payload, expected):
    assert Device.from_payload(payload, "org", "site") == expected


def test_a_site_needs_an_id_and_an_org():
    assert Site.from_payload({"id": "s", "name": "HQ", "country_code": "US", "timezone": "UTC"}, "o") == Site(
        "s", "o", "HQ", "US", "UTC"
    )
    assert Site.from_payload({"name": "HQ"}, "o") is None
    assert Site.from_payload({"id": "s"}) is None
    assert Org.from_payload({"name": "without an id"}) is None
    assert Org.from_payload({"id": "o", "name": 7}) == Org("o", "7")
