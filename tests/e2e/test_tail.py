"""`tail` ends if its output cannot be written, as other programs in a shell pipeline do."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import COLLECTOR, Simulator
from tests.support.user import User

pytestmark = pytest.mark.e2e

CLOSED_PIPE, FAILED = 141, 1
TIMEOUT_S = 60.0


@pytest.fixture
def user(tmp_path):
    (tmp_path / "cloud").mkdir()
    with Simulator(tmp_path / "cloud", sites=1, aps=5, cadence_s=1, speed=5) as cloud:
        user = User(tmp_path, cloud)
        urls = ["--api-url", cloud.api_url, "--stream-url", cloud.stream_url]
        user.run("init", "-d", "etc", *urls, "--yes", "--no-webhook", MIST_API_TOKEN=Simulator.TOKEN)
        yield user


def test_a_closed_pipe(user):
    command = f"{' '.join(COLLECTOR)} tail --config etc/collector.yaml | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=user.directory, capture_output=True, text=True, check=True, timeout=TIMEOUT_S
    )
    line, code = done.stdout.splitlines()
    assert re.match("[0-9:]{8} (devices|clients) ", line)
    assert int(code) == CLOSED_PIPE
    assert [text for text in done.stderr.splitlines() if not text.startswith(("No webhook", "Subscribing"))] == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk(user):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COLLECTOR, "tail", "--config", "etc/collector.yaml"],
            cwd=user.directory, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=TIMEOUT_S,
        )  # fmt: skip
    assert done.returncode == FAILED
    assert done.stderr.splitlines()[-1] == "mist-collector: the output cannot be written: No space left on device"
