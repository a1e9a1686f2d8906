"""The daemon as systemd runs it: it says when it serves, pets the watchdog, and takes secrets from credentials."""

import contextlib
import socket

import pytest

from tests.support.processes import Daemon, Simulator, eventually

pytestmark = pytest.mark.e2e


class Manager:
    """The other end of NOTIFY_SOCKET; keeps all it heard."""

    def __init__(self, address):
        self.heard = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(0)

    def listen(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                self.heard += self._socket.recv(4096).decode().split("\n")
        return self.heard

    def close(self):
        self._socket.close()


@pytest.fixture
def manager(tmp_path):
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.close()


def test_a_service_speaks_to_its_manager(manager, tmp_path, monkeypatch):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "token").write_text(f"{Daemon.TOKEN}\n")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "600000")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    with (
        Simulator(tmp_path, sites=1, aps=2, cadence_s=5) as cloud,
        Daemon(tmp_path, api_url=cloud.api_url, stream_url=cloud.stream_url) as daemon,
    ):
        (tmp_path / "token").write_text("not the token: the credential goes before it\n")
        daemon.ready()
        eventually(lambda: "READY=1" in manager.listen(), "READY")
        eventually(lambda: manager.listen().count("WATCHDOG=1") > 3, "the watchdog is petted")
        eventually(
            lambda: any("5 of 5 channels up" in line for line in manager.listen()),
            "systemctl status would show the channels",
        )
        assert "STOPPING=1" not in manager.listen()
        assert daemon.end()[0] == 0
    heard = manager.listen()
    assert heard.index("READY=1") < heard.index("WATCHDOG=1") < heard.index("STOPPING=1")
