"""Directories of several accounts as one."""

from collector.mist.directories import Directories
from collector.mist.directory import Device, Directory, Org, Site


def directory(number):
    found = Directory()
    found.replace([Org(f"o{number}")], [Site(f"s{number}", f"o{number}")], [Device(f"00000000000{number}")])
    return found


def test_sites_and_devices_of_every_account_are_found():
    first, second = directory(1), directory(2)
    both = Directories(first)
    both.add(second)
    assert both.site("s2") is second.sites["s2"]
    assert both.device("000000000001") is first.devices["000000000001"]
    assert both.site("s3") is None
    assert both.device("000000000003") is None


def test_a_removed_directory_is_not_looked_up():
    first, second = directory(1), directory(2)
    both = Directories(first, second)
    both.remove(first)
    assert both.site("s1") is None
    assert both.site("s2") is not None


def test_it_is_empty_until_an_inventory_was_read():
    empty = Directory()
    both = Directories(empty)
    assert both.empty
    both.add(directory(1))
    assert not both.empty
