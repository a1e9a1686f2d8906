"""What `?collect[]=` and `?site=` leave of an exposition."""

from __future__ import annotations

from collector.daemon.scrape import filter_of
from collector.feeds.router import FeedRouter
from collector.metrics.text_format import render
from collector.serve.metrics import Selection

FRAME = '{{"mac":"{mac}","type":"ap","num_clients":3,"power_src":"LLDP","name":"x"}}'


def told(catalog, **asked):
    text = b"".join(render(catalog.store, selected=filter_of(Selection(**asked)))).decode()
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_objects_and_sites_can_be_asked_for():
    catalog = FeedRouter()
    for number, site in enumerate(("site-a", "site-b")):
        catalog.open_channel(f"/sites/{site}/stats/devices")(FRAME.format(mac=f"5c5b3500000{number}"), 1.0)
    everything = told(catalog)
    of_aps = told(catalog, collect=("ap",))
    of_site = told(catalog, site="site-b")
    assert of_aps
    assert all(line.startswith("mist_ap_") for line in of_aps)
    assert len(of_site) == len(everything) / 2
    assert all('site_id="site-b"' in line for line in of_site)
    assert any(line.startswith("mist_device_info") for line in of_site)
    assert told(catalog, collect=("nothing",)) == []
    assert set(told(catalog, collect=("ap", "device"))) == set(everything)
