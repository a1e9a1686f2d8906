"""Commands run in this process, with a simulated cloud and a directory with the configuration that `init` creates."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from collector import config
from collector.cli import init
from collector.simulator.cloud import FakeCloud
from collector.simulator.fleet import FleetPlan
from collector.simulator.options import CloudOptions, SenderOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from collector.config import Config

PLAN = FleetPlan(sites=2, aps=2, switches=1, clients_per_ap=2, cadence_s=5.0, reboots_per_device_day=0.0)


class Installation:
    """A directory with a configuration made by `init`, and the cloud that it refers to."""

    def __init__(self, cloud: FakeCloud, directory: Path) -> None:
        self.cloud = cloud
        self.directory = directory
        self.file = directory / "collector.yaml"

    async def init(self, **options: object) -> None:
        """Run `init` without prompts; the token is in the environment."""
        defaults = {"directory": self.directory, "api_url": self.cloud.api_url, "stream_url": self.cloud.stream_url}
        await init.create_configuration(init.InitOptions(**defaults | {"prompt": False} | options))

    def config(self, **environ: str) -> Config:
        """Return the configuration as the commands read it; listeners use free ports by default."""
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
        """Return the webhooks of the organisation, as Mist returns them."""
        return [webhook.rest() for webhook in self.cloud.webhooks.owned(self.org_id, None)]


@asynccontextmanager
async def installation(
    directory: Path, monkeypatch, *, speed: float = 0.0, plan: FleetPlan = PLAN
) -> AsyncIterator[Installation]:
    """Run a simulated cloud while the block runs; with speed 0 no time passes in it."""
    sender = SenderOptions(window_s=0.05, duplicate_share=0.0, attempts=1, backoff_s=0.01)
    options = CloudOptions(plan=plan, speed=speed, sender=sender)
    async with FakeCloud(options) as cloud:
        monkeypatch.setenv(init.TOKEN_VARIABLE, cloud.options.token)
        yield Installation(cloud, directory)
