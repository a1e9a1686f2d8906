"""The units are accepted by systemd and expose little; the installer installs, upgrades, goes back and removes."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support import programs

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "deploy/systemd"
EXPOSURE = 1.5
NAMES = ("mist-collector.service", "mist-collector@.service")


@pytest.fixture(scope="module")
def systemd_analyze():
    return programs.require("systemd-analyze")


@pytest.mark.parametrize("name", NAMES)
def test_a_unit_is_accepted(name, systemd_analyze, tmp_path):
    # Installed elsewhere, with a program that exists: verify looks for it.
    text = (UNITS / name).read_text().replace("/opt/mist-collector/current/bin/mist-collector", "/bin/true")
    unit = tmp_path / name.replace("@.", "@3.")
    unit.write_text(text)
    done = subprocess.run([systemd_analyze, "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", NAMES)
def test_a_unit_exposes_little(name, systemd_analyze, tmp_path):
    unit = tmp_path / name.replace("@.", "@3.")
    shutil.copy(UNITS / name, unit)
    command = [systemd_analyze, "security", "--offline=true", "--no-pager", unit]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"exposure level for .*: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= EXPOSURE


def test_both_units_are_guarded_alike():
    plain, sharded = (set((UNITS / name).read_text().splitlines()) for name in NAMES)
    different = {line.partition("=")[0] for line in plain ^ sharded if "=" in line and not line.startswith("#")}
    assert different == {
        "Description", "SyslogIdentifier", "SocketBindAllow", "Environment", "EnvironmentFile", "StateDirectory",
    }  # fmt: skip


# The installer, with wheels that are as small as a wheel can be


class House:
    """A machine of its own for the installer: its folders, and a systemctl that writes down what it was told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.prefix, self.config, self.units = path / "opt", path / "etc", path / "units"
        self.runs = path / "run-systemd"
        tools = path / "tools"
        tools.mkdir()
        for folder in (self.units, self.runs):
            folder.mkdir()
        systemctl = tools / "systemctl"
        systemctl.write_text(
            f'#!/bin/sh\necho "$*" >> {path}/told\n'
            '[ "$1" = list-units ] && echo "mist-collector.service loaded active running x"\n'
            f'[ "$1" = restart ] && grep -qs . {path}/broken && '
            f'readlink {self.prefix}/current | grep -qF "$(cat {path}/broken)" && exit 1\nexit 0\n'
        )
        systemctl.chmod(0o755)
        self.environ = os.environ | {
            "PREFIX": str(self.prefix),
            "CONFIG": str(self.config),
            "UNITS": str(self.units),
            "SYSTEMD_RUNS": str(self.runs),
            "PYTHON": sys.executable,
            "PATH": f"{tools}:{os.environ['PATH']}",
        }

    def run(self, *arguments: object, code: int = 0) -> str:
        command = [UNITS / "install.sh", *map(str, arguments)]
        done = subprocess.run(command, env=self.environ, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def release(self, version: str, *, accepts: bool = True) -> Path:
        """A folder as `make dist` makes it; its program says its version, and accepts a configuration or not."""
        dist = self.path / f"dist-{version}"
        dist.mkdir()
        meta = f"mist_collector-{version}.dist-info"
        files = {
            "collector_stub.py": (
                "import sys\n\ndef main():\n"
                f"    print('mist-collector {version}')\n"
                f"    sys.exit({0 if accepts else 2} if 'check-config' in sys.argv else 0)\n"
            ),
            f"{meta}/METADATA": f"Metadata-Version: 2.1\nName: mist-collector\nVersion: {version}\n",
            f"{meta}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{meta}/entry_points.txt": "[console_scripts]\nmist-collector = collector_stub:main\n",
        }
        files[f"{meta}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{meta}/RECORD"])
        with zipfile.ZipFile(dist / f"mist_collector-{version}-py3-none-any.whl", "w") as wheel:
            for name, text in files.items():
                wheel.writestr(name, text)
        (dist / "requirements.lock").write_text("# nothing\n")
        sums = subprocess.run(
            ["sha256sum", *(file.name for file in dist.iterdir())], cwd=dist, capture_output=True, text=True, check=True
        )
        (dist / "SHA256SUMS").write_text(sums.stdout)
        return dist

    def version(self) -> str:
        command = [self.prefix / "current/bin/mist-collector", "--version"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1]

    def told(self) -> list[str]:
        file = self.path / "told"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return [line for line in lines if not line.startswith("list-units")]


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_it_installs_upgrades_goes_back_and_removes(house):
    told = house.run("install", house.release("1.0.0"))
    assert "Next: " in told
    assert house.version() == "1.0.0"
    assert (house.config / "secrets").stat().st_mode & 0o777 == 0o700
    unit = (house.units / "mist-collector.service").read_text()
    assert f"ExecStart={house.prefix}/current/bin/mist-collector run --config {house.config}/collector.yaml\n" in unit
    assert f"LoadCredential=secrets:{house.config}/secrets\n" in unit
    assert house.told() == ["daemon-reload", "restart mist-collector.service"]
    (house.config / "collector.yaml").write_text("accounts: []\n")

    house.run("upgrade", house.release("1.1.0"))
    assert house.version() == "1.1.0"
    assert "is already installed" in house.run("install", house.path / "dist-1.1.0")
    house.run("rollback")
    assert house.version() == "1.0.0"
    assert house.run("status").splitlines() == [
        "current: 1.0.0", "previous: 1.1.0", "installed: 1.0.0", "installed: 1.1.0",
    ]  # fmt: skip

    house.run("remove")
    assert not house.prefix.exists()
    assert list(house.units.iterdir()) == []
    assert (house.config / "collector.yaml").exists()
    house.run("remove", "--purge")
    assert not house.config.exists()


def test_a_version_that_does_not_start_is_taken_back(house):
    house.run("install", house.release("1.0.0"))
    (house.path / "broken").write_text("releases/2.0.0")
    assert "rolled back to 1.0.0" in house.run("install", house.release("2.0.0"), code=1)
    assert house.version() == "1.0.0"


def test_a_version_that_refuses_the_configuration_is_not_switched_on(house):
    house.run("install", house.release("1.0.0"))
    (house.config / "collector.yaml").write_text("accounts: []\n")
    house.told()
    assert "the installed version is unchanged" in house.run("install", house.release("2.0.0", accepts=False), code=1)
    assert house.version() == "1.0.0"
    assert house.told() == []


def test_old_versions_go(house):
    for number in range(5):
        house.run("install", house.release(f"1.{number}.0"))
    left = sorted(path.name for path in (house.prefix / "releases").iterdir())
    assert left == ["1.2.0", "1.3.0", "1.4.0"]


def test_files_that_were_tampered_with_are_refused(house):
    dist = house.release("1.0.0")
    (dist / "requirements.lock").write_text("evil==1.0\n")
    assert "do not match SHA256SUMS" in house.run("install", dist, code=1)
    assert not house.prefix.exists()


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["install"], ["remove", "--all"]])
def test_a_wrong_call_shows_how_it_is_meant(house, arguments):
    assert "install.sh install DIST" in house.run(*arguments, code=2)


def test_shellcheck_finds_nothing():
    shellcheck = programs.require("shellcheck")
    scripts = [*ROOT.glob("deploy/**/*.sh")]
    done = subprocess.run([shellcheck, *scripts], capture_output=True, text=True, check=False)
    assert done.stdout == ""
