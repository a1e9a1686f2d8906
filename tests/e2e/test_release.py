"""The release: wheel and sdist build, hold what they should, and the installed wheel works outside the checkout."""

import os
import re
import subprocess
import sys
import tarfile
import zipfile

import pytest

import collector

pytestmark = pytest.mark.e2e


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory, project):
    """Build the sdist, and the wheel from it: so that the sdist is known to hold all that a build needs."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, project)
    return folder


@pytest.fixture(scope="module")
def wheel(dist):
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(tmp_path_factory, wheel):
    """An environment in which only the wheel brings `collector`, and a folder that is not the checkout."""
    home = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", home / "lib"]
    run(*command, wheel)
    return home


def says(installed, *words, code=0):
    environ = os.environ | {"PYTHONPATH": str(installed / "lib"), "MIST_API_TOKEN": "not-a-real-token"}
    done = subprocess.run(
        [sys.executable, "-m", "collector", *words],
        cwd=installed,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_twine_finds_nothing(dist):
    run(sys.executable, "-m", "twine", "check", "--strict", *dist.iterdir())


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"collector", f"mist_collector-{collector.__version__}.dist-info"}
    assert "collector/py.typed" in names
    assert not [name for name in names if "test" in name or name.endswith(".pyc")]


def test_the_sdist_holds_what_a_packager_needs(dist):
    (archive,) = dist.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    wanted = {
        "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "requirements.lock", "collector/daemon/wiring.py",
        "deploy/systemd/mist-collector.service", "docs/index.md", "tests/conftest.py",
    }  # fmt: skip
    assert wanted - names == set()


def test_the_installed_wheel_works_elsewhere(installed):
    code = "import collector; print(collector.__file__)"
    environ = os.environ | {"PYTHONPATH": str(installed / "lib")}
    assert run(sys.executable, "-c", code, cwd=installed, env=environ).startswith(str(installed))
    assert says(installed, "--version") == f"mist-collector {collector.__version__}\n"
    (installed / "collector.yaml").write_text("accounts: [{name: a, cloud: emea01}]\nwebhook: {enabled: false}\n")
    assert "valid" in says(installed, "check-config", "collector.yaml")
    assert "mist_ap_clients" in says(installed, "catalog", "--format", "json")
    options = ["--seconds", "2", "--no-prometheus", "--server-listen", "127.0.0.1:0", "--webhook-listen", "127.0.0.1:0"]
    shown = says(installed, "demo", *options)
    assert re.search(r"/metrics had [0-9]{3,} samples", shown)


def test_the_version_stands_in_one_place(project):
    found = [
        path.name
        for path in [*project.glob("*.toml"), *project.glob("deploy/**/*.y*ml"), *project.glob("collector/**/*.py")]
        if re.search(rf'version\w*\s*[=:]\s*"?{re.escape(collector.__version__)}\b', path.read_text(encoding="utf-8"))
    ]
    assert found == ["__init__.py"]
