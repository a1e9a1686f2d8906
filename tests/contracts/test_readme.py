"""The documents tell the truth: each command block runs or is checked, each file that is linked exists.

A command that `_CHECKS` does not know fails: whoever writes it into a document adds how it is checked.

"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support import programs
from tests.support.documents import DOCUMENTS, blocks, commands

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


def collector(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run mist-collector with a token in its environment."""
    environ = os.environ | {"MIST_API_TOKEN": "not-a-real-token", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "collector", *arguments]
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
def workplace(tmp_path):
    """A folder with the files that the documents tell the reader to have."""
    (tmp_path / "collector.yaml").write_text(blocks("yaml")[0][1])
    (tmp_path / "secrets").mkdir(mode=0o700)
    for secret in ("secrets/mist-token", "secrets/webhook-secret"):
        (tmp_path / secret).write_text("not-a-real-secret\n")
        (tmp_path / secret).chmod(0o600)
    frame = {"event": "data", "channel": "/sites/67970e46-4e12-11e6-9188-0242ac110007/stats/devices", "data": "{}"}
    (tmp_path / "frames.jsonl").write_text(json.dumps(frame) + "\n")
    for name in ("deploy", "Makefile"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def _make(words, _cwd):
    """The target exists, and make could build it."""
    targets = [word for word in words[1:] if "=" not in word]
    done = subprocess.run(["make", "-n", *targets], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _collector(words, cwd):
    """Commands that end and ask nobody are run; of the others the options must exist (tests/e2e runs them)."""
    command, *options = words[1:]
    if command == "webhook":
        command, options = f"webhook {options[0]}", options[1:]
    if command not in _GO_ON and command not in _ASK_MIST:
        done = collector(command, *options, cwd=cwd)
        assert done.returncode == 0, done.stdout + done.stderr
        return
    shown = collector(*command.split(), "--help", cwd=cwd)
    assert shown.returncode == 0, shown.stderr
    for option in options:
        assert not option.startswith("-") or option.split("=")[0] in shown.stdout, f"{command} has no {option}"


_GO_ON = ("run", "demo", "simulate", "top", "tail", "record")
_ASK_MIST = ("init", "doctor", *(f"webhook {verb}" for verb in ("register", "list", "ping", "remove")))


def _curl(words, _cwd):
    """The address is the operator's listener or the simulator's control, by default, and the path one it serves."""
    code = {9733: "collector/serve/*.py", 9742: "collector/simulator/*.py"}
    for url in (urlsplit(word) for word in words if word.startswith("http")):
        served = "".join(path.read_text() for path in ROOT.glob(code[url.port]))
        assert f'"{url.path}"' in served


def _copied(words, _cwd):
    """What is copied exists; where it goes is another machine's business."""
    for word in words[1:-1]:
        assert word.startswith("-") or list(ROOT.glob(word)), word


def _nothing(_words, _cwd):
    """It makes a folder, or the like."""


def _promtool(words, cwd):
    """What promtool, or amtool, is told to check passes."""
    files = [str(path) for word in words if "*" in word for path in sorted(cwd.glob(word))]
    words = [*(word for word in words if "*" not in word), *files]
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _named_file(words, cwd):
    """The files named as arguments or options exist."""
    for word in words[1:]:
        assert not word.startswith("--config.file=") or (cwd / word.partition("=")[2]).is_file()


def _venv_tool(words, _cwd):
    """The tool is installed with the development dependencies."""
    assert (Path(sys.executable).parent / Path(words[0]).name).is_file()


def _sudo(words, cwd):
    """What is done as root is looked at without being root."""
    name = Path(words[1]).name
    if words[1].startswith("/opt/mist-collector/"):
        name = "mist-collector"
    _CHECKS[name](words[1:], cwd)


def _installer(words, _cwd):
    """The installer knows the command, by its own words."""
    known = subprocess.run([ROOT / "deploy/systemd/install.sh"], capture_output=True, text=True, check=False).stderr
    assert words[1] in known or words[1] == "upgrade"
    assert "| upgrade)" in (ROOT / "deploy/systemd/install.sh").read_text()


def _systemctl(words, _cwd):
    """The units are in deploy/systemd."""
    units = [word for word in words[2:] if not word.startswith("-")]
    assert units
    for unit in [unit for unit in units if unit.startswith("mist-")]:
        name = re.sub(r"@[0-9]+$", "@", unit)
        assert (ROOT / f"deploy/systemd/{name}.service").is_file(), unit


def _deployed_file(words, _cwd):
    """Files and folders of deploy/ that are named exist, and kubectl can read its own."""
    named = [word for word in words if word.startswith("deploy/")]
    assert [word for word in named if not (ROOT / word).exists()] == []
    if words[0] == "kubectl" and named and shutil.which("kubectl"):
        done = subprocess.run(["kubectl", "kustomize", ROOT / named[0]], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


_CHECKS = {
    "sudo": _sudo,
    "install.sh": _installer,
    "systemctl": _systemctl,
    "docker": _deployed_file,
    "buildah": _deployed_file,
    "kubectl": _deployed_file,
    "make": _make,
    "mist-collector": _collector,
    "curl": _curl,
    "promtool": _promtool,
    "amtool": _promtool,
    "cp": _copied,
    "mkdir": _nothing,
    "prometheus": _named_file,
    "pre-commit": _venv_tool,
}


@pytest.mark.parametrize("command", commands())
def test_a_command_does_what_the_document_says(command, workplace):
    for part in command.split("|"):
        words = shlex.split(part)
        name = Path(words[0]).name
        if name == "grep":
            continue
        if name in ("promtool", "prometheus", "amtool"):
            programs.require(name)
        assert name in _CHECKS, f"{name}: say in _CHECKS how it is checked"
        _CHECKS[name](words, workplace)


@pytest.mark.parametrize(("document", "text"), blocks("yaml"), ids=[name for name, _ in blocks("yaml")])
def test_a_configuration_is_accepted(document, text, workplace):
    (workplace / "shown.yaml").write_text(text)
    done = collector("check-config", "shown.yaml", cwd=workplace)
    assert done.returncode == 0, f"{document}: {done.stdout}{done.stderr}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    links = [link for link in _LINK.findall(path.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("query", [text.strip() for _, text in blocks("promql")])
def test_a_query_can_be_read(query, promtool):
    command = [promtool, "--experimental", "promql", "format", query]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_metrics_named_in_documents_exist():
    done = collector("catalog", "--format", "json", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    families = {family["name"] for family in json.loads(done.stdout)["families"]}
    # The reference is made from the catalogue; a name with a colon is a recording rule's, which has tests of its own.
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS if path.name != "metrics.md")
    found = re.findall(r"(?<![:\w])mist_[a-z][a-z0-9_]*[a-z0-9]\b(?![:*])", text)
    named = {re.sub("_(bucket|sum|count)$", "", name) for name in found if not name.startswith("mist_collector")}
    assert named, "the quickstart shows at least one query"
    assert named - families - {"mist_screens"} == set()
