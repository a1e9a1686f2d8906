"""Every bench by its name, in the order of the run. To add one: a function from `Settings` to results and a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks import location, million, store, stream, webhook

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.results import Result
    from tests.benchmarks.settings import Settings

BENCHES: dict[str, Callable[[Settings], list[Result]]] = {
    "device_frame": stream.device_frame,
    "device_frame_tls": stream.device_frame_tls,
    "device_frame_paced": stream.device_frame_paced,
    "mixed_fleet": stream.mixed_fleet,
    "location_frame": location.location_frame,
    "location_growth": location.location_growth,
    "location_floors": location.location_floors,
    "store_update": store.store_update,
    "million": million.million,
    "loop_stall": million.loop_stall,
    "webhook": webhook.webhook,
    "growth": stream.growth,
    "expire": store.expire,
}
