"""The bench of the webhook: a signed delivery of 2 KB, received, verified, parsed, counted and answered."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.children import Child
from tests.benchmarks.results import SHARE, Target, result
from tests.benchmarks.stream import Arena

if TYPE_CHECKING:
    from tests.benchmarks.results import Result
    from tests.benchmarks.settings import Settings

DELIVERIES = 3000  # a turn
SECRET = b"the secret of the webhook bench"


def webhook(settings: Settings) -> list[Result]:
    """The daemon's listener beside an aiohttp handler that only verifies; both alone with the poster."""
    number = max(20, round(DELIVERIES * settings.turn_s))
    values, baselines = [], []
    with tempfile.TemporaryDirectory() as folder, Arena("ap", 20, rounds=1) as arena:
        secret_file = Path(folder) / "secret"
        secret_file.write_bytes(SECRET)
        secret_file.chmod(0o600)
        daemon = arena.start("daemon", secret_file=str(secret_file))
        with (
            Child("verify_only", secret_file=str(secret_file)) as other,
            Child("poster", secret_file=str(secret_file)) as poster,
        ):
            for receiver in (daemon, other):
                cost_us(receiver, poster, number // 4)
            for _ in range(settings.repeat):
                values.append(cost_us(daemon, poster, number))
                baselines.append(cost_us(other, poster, number))
    return [
        result(
            "webhook",
            "verify only",
            "us CPU a delivery",
            values,
            baselines,
            Target(SHARE, 1.25),
            number * settings.repeat,
        )
    ]


def cost_us(receiver: Child, poster: Child, number: int) -> float:
    """CPU microseconds of the receiver a delivery, in one turn."""
    port = receiver.ask("ports")["webhook"]
    before = receiver.ask("taken")
    posted = poster.ask("post", port=port, number=number)
    after = receiver.ask("taken")
    for key in ("events", "deliveries"):
        if key in after and after[key] - before[key] != posted[key]:
            raise RuntimeError(f"{receiver.role} counted {after[key] - before[key]} {key} of {posted[key]}")
    if after.get("dropped") != before.get("dropped"):
        raise RuntimeError(f"{receiver.role} dropped {after['dropped']}")
    return (after["spent_s"] - before["spent_s"]) / number * 1e6
