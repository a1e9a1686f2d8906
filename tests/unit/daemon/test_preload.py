"""After start-up nothing is imported, whatever the daemon does: imports need file descriptors."""

import subprocess
import sys

import pytest

SCRIPT = """
import asyncio, pathlib, sys, tempfile
from tests.support.house import keeping_house

SECTIONS = {
    "streams": {"location": {"clients": True, "assets": True}, "clients": True, "mxedges": True, "org_insights": True},
    "location": {"heat_grid": {"cell_m": 2}},
}

async def main():
    with tempfile.TemporaryDirectory() as directory:
        async with keeping_house(pathlib.Path(directory), polls=True, sections=SECTIONS) as house:
            started = set(sys.modules)
            await house.settled()
            await house.live(120)
            for path in ("/metrics", "/", "/-/healthy", "/floors"):
                await house.get(path)
            await house.pass_time(400)
            late = set(sys.modules) - started
    print("late:", *sorted(name for name in late if not name.startswith(("tests.", "collector.simulator"))))

asyncio.run(main())
"""


@pytest.mark.slow
def test_nothing_is_imported_after_the_start(project):
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "late:"


@pytest.mark.parametrize(("location", "expected"), [(False, []), (True, ["numpy", "shapely"])])
def test_geometry_libraries_are_loaded_only_where_positions_are_collected(project, location, expected):
    script = f"""
import sys
from collector.config import Config
from collector.daemon.preload import preload
preload(Config.model_validate({{"accounts": [{{"name": "a"}}], "streams": {{"location": {{"clients": {location}}}}}}}))
print(*sorted({{"numpy", "shapely"}} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=project, capture_output=True, text=True, check=True)
    assert done.stdout.split() == expected
