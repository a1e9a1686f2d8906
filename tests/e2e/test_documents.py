"""Each command of the documents that talks to Mist, or goes on until it is ended, does so at a simulated cloud.

What ends by itself and asks nobody is run by tests/contracts/test_readme.py, `make demo` by test_demo_command.py.
"""

import re
import shlex
import signal

import pytest

from tests.support.documents import commands
from tests.support.person import Person
from tests.support.processes import COLLECTOR, Running, Simulator, ask, eventually

pytestmark = pytest.mark.e2e

_ELSEWHERE = ("check-config", "catalog", "replay")  # run by tests/contracts/test_readme.py
_FIRST, _LAST = ["init", "webhook register"], ["webhook remove"]


def wanted():
    """The commands, what makes things first, what takes them away last; without the program's name."""
    found = [found[1] for line in commands() if (found := re.search(r"bin/mist-collector (.+)", line))]
    left = [command for command in found if not command.startswith((*_ELSEWHERE, "run "))]
    order = [*_FIRST, "", *_LAST]

    def place(command):
        return next((index for index, start in enumerate(order) if start and command.startswith(start)), len(_FIRST))

    return sorted(left, key=place)


@pytest.fixture
def person(tmp_path):
    (tmp_path / "cloud").mkdir()
    with Simulator(tmp_path / "cloud", sites=2, aps=3, switches=1, cadence_s=5, speed=5) as cloud:
        yield Person(tmp_path, cloud)


def here(command, person):
    """The words of a command, with the addresses and folders of this test, and a second in place of minutes."""
    command = command.replace("https://noc.example.net", f"http://{person.webhook}")
    command = command.replace("127.0.0.1:9733", person.metrics).replace("/etc/mist-collector", "machine/etc")
    words = shlex.split(re.sub(r"--seconds [0-9]+", "--seconds 1", command))
    return words + (["--api-url", person.cloud.api_url, "--stream-url", person.cloud.stream_url] * (words[0] == "init"))


def test_every_command_does_what_the_documents_say(person):
    everything = [here(command, person) for command in wanted()]
    tokens = {"MIST_API_TOKEN": Simulator.TOKEN, "MIST_ADMIN_TOKEN": Simulator.TOKEN}
    for words in [words for words in everything if words[0] == "init"]:
        assert "Next:" in person.does(*words, answers="y\n", **tokens)
    written = (person.folder / "etc/collector.yaml").read_text()  # some documents have it elsewhere
    (person.folder / "collector.yaml").write_text(re.sub(r"\bsecrets/", "etc/secrets/", written))
    with Running([*COLLECTOR, "run", "--config", "etc/collector.yaml"], person.folder, "daemon", **person.environ):
        eventually(lambda: ask(f"http://{person.metrics}/-/ready").status == 200, "the daemon is ready")
        for words in [words for words in everything if words[0] != "init"]:
            if words[0] == "tail":
                with Running([*COLLECTOR, *words], person.folder, "tail", **person.environ) as tail:
                    tail.tells(r"(devices) .* uptime=[0-9]+", "out")
                    assert tail.end(signal.SIGINT)[0] == 0
                continue
            person.does(*words, answers="y\n", **tokens)
            for file in person.folder.glob("*.jsonl.gz"):
                file.unlink()  # several documents record into one name
    kinds = {" ".join(words[: 1 + (words[0] == "webhook")]) for words in everything}
    assert {"init", "doctor", "top", "tail", "record", "webhook ping", "webhook remove"} <= kinds
