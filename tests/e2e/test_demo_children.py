"""`make demo` with Prometheus: it stops after its time, and all of its processes end."""

from pathlib import Path

import pytest

from tests.support.processes import COLLECTOR, Running, ask, eventually

pytestmark = pytest.mark.e2e

SECONDS = 4


def children(pid):
    """Return the children of a process."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    if not listed.parent.exists():
        return []
    if not listed.exists():
        pytest.skip("this kernel does not list the children of a process")
    return [int(child) for child in listed.read_text().split()]


def test_no_process_and_no_file_is_left(prometheus, tmp_path):
    small = ["--sites=1", "--aps=3", "--cadence-s=1", "--server-listen=127.0.0.1:0", "--webhook-listen=127.0.0.1:0"]
    with Running([*COLLECTOR, "demo", f"--seconds={SECONDS}", *small], tmp_path, "demo", TMPDIR=str(tmp_path)) as demo:
        metrics = demo.tells(r"Metrics +(\S+)", "out")
        assert demo.tells(r"Prometheus +(\S+)", "out").startswith("http://127.0.0.1:")
        started = children(demo.process.pid)
        assert started, "no child was started"
        eventually(lambda: "mist_ap_clients{" in ask(metrics).text, "the fleet is exposed")
        assert demo.process.wait(SECONDS + 20) == 0, demo.said()
        assert demo.said() == ""
        assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []
        with pytest.raises(OSError, match="refused"):
            ask(metrics)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo.err", "demo.out"]
