"""Commands as a person runs them, in this process: a fake cloud, a folder, and what was said to the person."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from collector import config
from collector.cli import first_steps
from collector.simulator.cloud import FakeCloud
from collector.simulator.fleet import FleetPlan
from collector.simulator.options import CloudOptions, SenderOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from collector.config import Config

PLAN = FleetPlan(sites=2, aps=2, switches=1, clients_per_ap=2, cadence_s=5.0, reboots_per_device_day=0.0)


class Desk:
    """A folder with a configuration made by `init`, and the cloud that it is for."""

    def __init__(self, cloud: FakeCloud, folder: Path) -> None:
        self.cloud = cloud
        self.folder = folder
        self.file = folder / "collector.yaml"

    async def init(self, **wish: object) -> None:
        """Run `init` without questions; the token stands in the environment."""
        told = {"directory": self.folder, "api_url": self.cloud.api_url, "stream_url": self.cloud.stream_url}
        await first_steps.take(first_steps.Wish(**told | {"ask": False} | wish))

    def config(self, **environ: str) -> Config:
        """The configuration as the commands read it; listeners take free ports unless told otherwise."""
        ports = {
            "MIST_COLLECTOR__SERVER__LISTEN": "127.0.0.1:0",
            "MIST_COLLECTOR__WEBHOOK__LISTEN": "127.0.0.1:0",
        }
        return config.load(self.file, ports | environ)

    @property
    def org_id(self) -> str:
        (org,) = self.cloud.fleet.orgs()
        return str(org["id"])

    def webhooks(self) -> list[dict[str, object]]:
        """The webhooks of the organisation, as Mist has them."""
        return [webhook.rest() for webhook in self.cloud.webhooks.owned(self.org_id, None)]


@asynccontextmanager
async def desk(folder: Path, monkeypatch, *, speed: float = 0.0, plan: FleetPlan = PLAN) -> AsyncIterator[Desk]:
    """Open a cloud and sit down; `speed` 0: nothing happens unless a test makes it happen."""
    sender = SenderOptions(window_s=0.05, duplicate_share=0.0, attempts=1, backoff_s=0.01)
    options = CloudOptions(plan=plan, speed=speed, sender=sender)
    async with FakeCloud(options) as cloud:
        monkeypatch.setenv(first_steps.TOKEN_VARIABLE, cloud.options.token)
        yield Desk(cloud, folder)
