"""BLE assets: numbers, and optional rows per asset within a limit."""

from __future__ import annotations

import pytest

from collector.feeds.asset_feed import AssetFeed
from collector.feeds.router import FeedRouter
from collector.metrics.text_format import render_all
from collector.mist.directory import Changes, Site
from tests.support import golden

ORG, SITE, MAP = "org-1", "site-1", "map-1"


def asset(number: int, **more: object) -> dict:
    """Return the record of an asset."""
    return {"mac": f"020000e000{number:02x}", "map_id": MAP, "battery_percent": 50, "x": 1.0, "y": 2.0} | more


class Bench:
    """A router with polls of assets."""

    def __init__(self, **options) -> None:
        self.now = 0.0
        self.router = FeedRouter(now=lambda: self.now, **options)

    def poll(self, *assets: dict, site_id: str = SITE) -> None:
        for one in assets:
            self.router.rest_object("asset", one, {"org_id": ORG, "site_id": site_id})

    @property
    def assets(self) -> int:
        """The number of known assets."""
        return len(next(feed for feed in self.router.feeds if isinstance(feed, AssetFeed)))

    def sweep(self, now: float) -> None:
        self.now = now
        for _ in self.router.sweep():
            pass

    def samples(self, name: str) -> dict[str, float]:
        samples = golden.samples(render_all(self.router.store).decode())
        return {dict(labels).get("map_id", ""): value for (metric, labels), value in samples.items() if metric == name}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_asset_is_counted_once_on_its_map(bench):
    bench.poll(asset(1), asset(2), asset(1), asset(3, map_id=None), asset(2, map_id="map-2"))
    assert bench.samples("mist_map_assets") == {MAP: 1.0, "map-2": 1.0, "": 1.0}
    assert bench.assets == 3


def test_an_asset_that_polls_do_not_contain_ends(bench):
    bench.poll(asset(1), asset(2))
    bench.sweep(500.0)
    bench.poll(asset(2))
    bench.sweep(800.0)
    assert bench.samples("mist_map_assets") == {MAP: 1.0}


def test_its_time_to_live_follows_the_poll_period(bench):
    bench.router.set_poll_period("asset", 2000.0, "an account")
    bench.poll(asset(1))
    bench.sweep(4000.0)
    assert bench.assets == 1
    bench.sweep(5001.0)
    assert bench.assets == 0


def test_it_ends_with_its_site(bench):
    bench.poll(asset(1))
    bench.router.changed(Changes(sites_removed=(Site(SITE, ORG),)))
    assert SITE not in render_all(bench.router.store).decode()
    assert bench.assets == 0


def test_rows_per_asset_are_optional(bench):
    bench.poll(asset(1))
    assert "020000e0" not in render_all(bench.router.store).decode()
    limited = Bench(max_assets=1)
    limited.poll(asset(1), asset(2))
    assert list(limited.samples("mist_asset_battery_ratio").values()) == [0.5]
    assert limited.router.refused_labels()["asset"] == 1
    limited.sweep(800.0)
    assert limited.samples("mist_asset_battery_ratio") == {}
