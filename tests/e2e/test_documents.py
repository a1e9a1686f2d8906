"""The commands in the documentation that connect to Mist, or run until they are stopped, with a simulated cloud.

tests/contracts/test_readme.py runs the other commands, test_demo_command.py `make demo`.
"""

import re
import shlex
import signal

import pytest

from tests.support.documents import commands
from tests.support.processes import COLLECTOR, Running, Simulator, ask, eventually
from tests.support.user import User

pytestmark = pytest.mark.e2e

_TESTED_ELSEWHERE = ("check-config", "catalog", "replay")  # run by tests/contracts/test_readme.py
_FIRST, _LAST = ["init", "webhook register"], ["webhook remove"]


def documented_commands():
    """Return the commands without the program: those that create something first, those that remove it last."""
    found = [found[1] for line in commands() if (found := re.search(r"bin/mist-collector (.+)", line))]
    left = [command for command in found if not command.startswith((*_TESTED_ELSEWHERE, "run "))]
    order = [*_FIRST, "", *_LAST]

    def place(command):
        return next((index for index, start in enumerate(order) if start and command.startswith(start)), len(_FIRST))

    return sorted(left, key=place)


@pytest.fixture
def user(tmp_path):
    (tmp_path / "cloud").mkdir()
    with Simulator(tmp_path / "cloud", sites=2, aps=3, switches=1, cadence_s=5, speed=5) as cloud:
        yield User(tmp_path, cloud)


def with_local_addresses(command, user):
    """Return the arguments of a command with the addresses and directories of this test, and short durations."""
    command = command.replace("https://noc.example.net", f"http://{user.webhook}")
    command = command.replace("127.0.0.1:9733", user.metrics).replace("/etc/mist-collector", "machine/etc")
    words = shlex.split(re.sub(r"--seconds [0-9]+", "--seconds 1", command))
    return words + (["--api-url", user.cloud.api_url, "--stream-url", user.cloud.stream_url] * (words[0] == "init"))


def test_every_documented_command_works(user):
    all_arguments = [with_local_addresses(command, user) for command in documented_commands()]
    tokens = {"MIST_API_TOKEN": Simulator.TOKEN, "MIST_ADMIN_TOKEN": Simulator.TOKEN}
    for words in [words for words in all_arguments if words[0] == "init"]:
        assert "Next:" in user.run(*words, answers="y\n", **tokens)
    written = (user.directory / "etc/collector.yaml").read_text()  # some documents have it elsewhere
    (user.directory / "collector.yaml").write_text(re.sub(r"\bsecrets/", "etc/secrets/", written))
    with Running([*COLLECTOR, "run", "--config", "etc/collector.yaml"], user.directory, "daemon", **user.environ):
        eventually(lambda: ask(f"http://{user.metrics}/-/ready").status == 200, "the daemon is ready")
        for words in [words for words in all_arguments if words[0] != "init"]:
            if words[0] == "tail":
                with Running([*COLLECTOR, *words], user.directory, "tail", **user.environ) as tail:
                    tail.tells(r"(devices) .* uptime=[0-9]+", "out")
                    assert tail.end(signal.SIGINT)[0] == 0
                continue
            user.run(*words, answers="y\n", **tokens)
            for file in user.directory.glob("*.jsonl.gz"):
                file.unlink()  # several pages use the same name
    kinds = {" ".join(words[: 1 + (words[0] == "webhook")]) for words in all_arguments}
    assert {"init", "doctor", "top", "tail", "record", "webhook ping", "webhook remove"} <= kinds
