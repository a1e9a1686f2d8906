"""The dashboards are of the types of @grafana/schema, of Grafana 10, 11 and 12.

The types come from npm, which the other tests do not need: without them (`make grafana-schema`) this is skipped.
"""

import shutil
import subprocess

import pytest

pytestmark = pytest.mark.slow


def test_typescript_finds_every_dashboard_well_typed(project):
    folder = project / "tests/grafana-schema"
    node = shutil.which("node")
    if node is None or not (folder / "node_modules/schema-12").is_dir():
        pytest.skip("the types are not installed: make grafana-schema")
    done = subprocess.run([node, folder / "check.mjs"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("exit 0") == 3
