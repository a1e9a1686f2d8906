"""BLE assets as counts; single ones only when asked for, never more than the cap."""

from __future__ import annotations

import pytest

from collector.feeds.router import FeedRouter
from collector.metrics.text_format import render_all
from collector.mist.directory import Changes, Site
from tests.support import golden

ORG, SITE, MAP = "org-1", "site-1", "map-1"


def asset(number: int, **more: object) -> dict:
    """An asset's record."""
    return {"mac": f"020000e000{number:02x}", "map_id": MAP, "battery_percent": 50, "x": 1.0, "y": 2.0} | more


class Bench:
    """A catalogue that is told of assets."""

    def __init__(self, **options) -> None:
        self.now = 0.0
        self.catalog = FeedRouter(now=lambda: self.now, **options)

    def poll(self, *assets: dict, site_id: str = SITE) -> None:
        for one in assets:
            self.catalog.rest_object("asset", one, {"org_id": ORG, "site_id": site_id})

    def sweep(self, now: float) -> None:
        self.now = now
        for _ in self.catalog.sweep():
            pass

    def told(self, name: str) -> dict[str, float]:
        samples = golden.samples(render_all(self.catalog.store).decode())
        return {dict(labels).get("map_id", ""): value for (metric, labels), value in samples.items() if metric == name}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_asset_counts_once_on_its_map(bench):
    bench.poll(asset(1), asset(2), asset(1), asset(3, map_id=None), asset(2, map_id="map-2"))
    assert bench.told("mist_map_assets") == {MAP: 1.0, "map-2": 1.0, "": 1.0}
    assert len(bench.catalog.assets) == 3


def test_an_asset_that_polls_do_not_list_is_gone(bench):
    bench.poll(asset(1), asset(2))
    bench.sweep(500.0)
    bench.poll(asset(2))
    bench.sweep(800.0)
    assert bench.told("mist_map_assets") == {MAP: 1.0}


def test_it_stays_as_long_as_the_polls_are_apart(bench):
    bench.catalog.set_poll_period("asset", 2000.0, "an account")
    bench.poll(asset(1))
    bench.sweep(4000.0)
    assert len(bench.catalog.assets) == 1
    bench.sweep(5001.0)
    assert len(bench.catalog.assets) == 0


def test_it_goes_with_its_site(bench):
    bench.poll(asset(1))
    bench.catalog.changed(Changes(sites_removed=(Site(SITE, ORG),)))
    assert SITE not in render_all(bench.catalog.store).decode()
    assert len(bench.catalog.assets) == 0


def test_single_ones_are_told_only_when_asked_for(bench):
    bench.poll(asset(1))
    assert "020000e0" not in render_all(bench.catalog.store).decode()
    chosen = Bench(max_assets=1)
    chosen.poll(asset(1), asset(2))
    assert list(chosen.told("mist_asset_battery_ratio").values()) == [0.5]
    assert chosen.catalog.refused_labels()["asset"] == 1
    chosen.sweep(800.0)
    assert chosen.told("mist_asset_battery_ratio") == {}
