"""The GitHub workflows: pinned actions, least permissions, the commands and Python versions of this project."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in FILES}
WORKFLOWS = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
JOBS = {f"{name}: {job}": value for name, workflow in WORKFLOWS.items() for job, value in workflow["jobs"].items()}
STEPS = [step for job in JOBS.values() for step in job.get("steps", [])]
# The write permissions that a job may have. What a release publishes needs them; nothing else does.
WRITE = {
    "release.yml: attest": {"id-token", "attestations"},
    "release.yml: pypi": {"id-token"},
    "release.yml: image": {"packages", "id-token", "attestations"},
    "release.yml: release": {"contents"},
}


def _needed(workflow, job):
    """Return the jobs that have to succeed before `job` starts."""
    direct = set(WORKFLOWS[workflow]["jobs"][job].get("needs", []))
    return direct.union(*(_needed(workflow, other) for other in direct))


def test_there_are_two_workflows():
    assert set(WORKFLOWS) == {"ci.yml", "release.yml"}


@pytest.mark.parametrize("name", TEXTS)
def test_an_action_is_pinned_to_a_commit_with_its_version(name):
    uses = re.findall(r"uses: (\S+)(.*)", TEXTS[name])
    remote = [(action, comment) for action, comment in uses if not action.startswith("./")]
    assert remote
    pinned = [
        action
        for action, comment in remote
        if re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40}", action) and re.fullmatch(r" # v\d+\.\d+\.\d+", comment)
    ]
    assert pinned == [action for action, _ in remote]


def test_an_action_has_one_version():
    pins = {(use.split("@")[0], use) for text in TEXTS.values() for use in re.findall(r"uses: ([^.].*)", text)}
    assert len(pins) == len({action for action, _ in pins})


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_has_no_permissions_and_a_concurrency_group(name):
    assert WORKFLOWS[name]["permissions"] == {}
    assert WORKFLOWS[name]["concurrency"]["group"]


@pytest.mark.parametrize("name", JOBS)
def test_a_job_has_the_permissions_that_it_needs(name):
    writes = {scope for scope, access in JOBS[name]["permissions"].items() if access != "read"}
    assert writes == WRITE.get(name, set())


@pytest.mark.parametrize("name", JOBS)
def test_a_job_has_a_timeout(name):
    assert "uses" in JOBS[name] or 0 < JOBS[name]["timeout-minutes"] <= 120


def test_a_checkout_leaves_no_credentials():
    checkouts = [step for step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert [step for step in checkouts if step["with"]["persist-credentials"] is not False] == []


def test_a_command_of_make_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    used = [word for step in STEPS for line in re.findall(r"^make (.*)", step.get("run", "")) for word in line.split()]
    assert {"check", "audit", "setup", "real-parts", "test", "dist", "sbom"} <= set(used)
    assert set(used) - targets == set()


def test_the_tests_run_on_every_supported_python():
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["classifiers"]
    supported = [line.rsplit(" ", 1)[1] for line in classifiers if re.search(r":: Python :: 3\.\d+$", line)]
    assert JOBS["ci.yml: test"]["strategy"]["matrix"]["python"] == supported


@pytest.mark.parametrize("job", ["pypi", "image", "release"])
def test_a_publishing_job_runs_after_the_tests_and_the_provenance(job):
    assert {"ci", "build", "attest"} <= _needed("release.yml", job)


def test_a_release_starts_with_a_tag_only():
    assert WORKFLOWS["release.yml"][True] == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+*"]}}  # YAML 1.1: on is true


@pytest.mark.slow
def test_zizmor_finds_nothing():
    command = [Path(sys.executable).parent / "zizmor", "--offline", "--quiet", "--persona", "pedantic", ".github"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
