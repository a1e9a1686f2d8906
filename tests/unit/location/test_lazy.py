"""What prepares floors is loaded when the first floor is, not before: a daemon that locates nobody does without."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from collector.daemon import wiring
from tests.support.floors import IDS, MAP, Floors
floors = Floors()
floors.map()
floors.zone("a", [(0, 0), (10, 0), (10, 10)])
floors.at(1, 5, 5) if "locate" in sys.argv else None
print(*sorted({"numpy", "shapely"} & sys.modules.keys()))
"""


def loaded(project, *arguments):
    command = [sys.executable, "-c", SCRIPT, *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.slow
def test_geometry_libraries_are_loaded_only_to_prepare_a_floor(project):
    assert loaded(project) == []
    assert loaded(project, "locate") == ["numpy", "shapely"]
