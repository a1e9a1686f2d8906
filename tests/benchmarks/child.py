"""What runs in a child process: `python -m tests.benchmarks.child ROLE SETTINGS`, started by `children.Child`."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys

from tests.benchmarks.children import answer

# role -> module and function; imported when it is played, so that a role's memory is its own
ROLES = {
    "cloud": "tests.benchmarks.cloud:cloud",
    "daemon": "tests.benchmarks.daemon:daemon",
    "giant_cloud": "tests.benchmarks.giant_cloud:giant_cloud",
    "naive": "tests.benchmarks.naive:naive",
    "read_only": "tests.benchmarks.naive:read_only",
    "registry": "tests.benchmarks.registry:registry",
    "verify_only": "tests.benchmarks.webhook_roles:verify_only",
    "poster": "tests.benchmarks.webhook_roles:poster",
}


async def main(role: str, settings: str) -> None:
    module, _, name = ROLES[role].partition(":")
    play = getattr(importlib.import_module(module), name)
    async with play(**json.loads(settings)) as questions:
        await answer(questions)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
