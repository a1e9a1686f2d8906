"""`labels: inline`: names as labels of every series."""

from __future__ import annotations

import pytest

from collector.feeds.router import FeedRouter
from collector.metrics.text_format import render_all
from collector.mist.directories import Directories
from collector.mist.directory import Device, Directory, Org, Site

MAC = "5c5b35000001"
FRAME = f'{{"mac":"{MAC}","num_clients":3,"radio_stat":{{"band_5":{{"channel":36,"usage":"5"}}}}}}'


def lines(router):
    return {line for line in render_all(router.store).decode().splitlines() if not line.startswith("#")}


@pytest.fixture
def directory():
    return Directory()


def rename(router, directory, site_name, device_name):
    device = Device(MAC, type="ap", name=device_name, site_id="s", org_id="o")
    router.changed(directory.replace([Org("o")], [Site("s", "o", site_name)], [device]))


def test_root_rows_nested_rows_and_counters_have_names(directory):
    router = FeedRouter(Directories(directory), inline_names=True)
    rename(router, directory, "HQ", 'Lobby "1"')
    router.open_channel("/sites/s/stats/devices")(FRAME, 1.0)
    seen = lines(router)
    names = 'site_name="HQ",device_name="Lobby \\"1\\""'
    assert f'mist_ap_clients{{org_id="o",site_id="s",mac="{MAC}",{names}}} 3.0' in seen
    assert f'mist_ap_radio_channel{{org_id="o",site_id="s",mac="{MAC}",{names},radio="band_5",band="5"}} 36.0' in seen
    assert any(line.startswith("mist_webhook_events_total") and 'site_name="HQ"' in line for line in seen)


def test_a_new_name_replaces_the_old_one_without_a_second_series(directory):
    router = FeedRouter(Directories(directory), inline_names=True)
    rename(router, directory, "HQ", "Lobby")
    router.open_channel("/sites/s/stats/devices")(FRAME, 1.0)
    before = lines(router)
    rename(router, directory, "Headquarters", "Hall")
    after = lines(router)
    assert len(after) == len(before)
    assert not any('"HQ"' in line or '"Lobby"' in line for line in after)
    assert any('site_name="Headquarters",device_name="Hall",radio="band_5"' in line for line in after)


def test_without_the_option_series_have_only_ids(directory):
    router = FeedRouter(Directories(directory))
    rename(router, directory, "HQ", "Lobby")
    router.open_channel("/sites/s/stats/devices")(FRAME, 1.0)
    assert not any("HQ" in line for line in lines(router))
