"""The real programs that tests run: where they are, what to say where they are missing, how to install them.

`python -m tests.support.programs` (a part of `make test`) installs the missing ones through apt where that needs no
password.

"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

import pytest


@dataclass(frozen=True, slots=True)
class Program:
    """A program on PATH, the Debian package that brings it, and what goes untested without it."""

    name: str
    package: str
    needed_for: str
    service: str = ""  # a service that the package starts by itself, on a port that others may want


PROGRAMS = (
    Program("prometheus", "prometheus", "the end-to-end tests against a real Prometheus", service="prometheus"),
    Program("promtool", "prometheus", "the checks of the exposition and of deploy/prometheus"),
    Program(
        "prometheus-alertmanager",
        "prometheus-alertmanager",
        "the scenarios against a real Alertmanager",
        service="prometheus-alertmanager",
    ),
    Program("amtool", "prometheus-alertmanager", "the check of deploy/alertmanager"),
    Program("chromium", "chromium", "the look at floors and dashboards in a real browser"),
    Program("systemd-analyze", "systemd", "the checks of the units in deploy/systemd"),
    Program("shellcheck", "shellcheck", "the check of the installer"),
    Program("kubectl", "kubernetes-client", "the checks of deploy/kubernetes"),
    Program("nginx", "nginx-light", "the check of the reverse proxy's example", service="nginx"),
    Program("caddy", "caddy", "the check of the other reverse proxy's example", service="caddy"),
    Program("zsh", "zsh", "the completion of commands in zsh"),
    Program("fish", "fish", "the completion of commands in fish"),
)
_BY_NAME = {program.name: program for program in PROGRAMS}


def in_ci() -> bool:
    """True where nothing may be skipped: CI is set, and not to an off word."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false", "no")


def require(name: str) -> str:
    """Return the path of program `name`; without it the test is skipped, or fails where CI is set."""
    path = shutil.which(name)
    if path is None:
        program = _BY_NAME[name]
        reason = f"{name} is not on PATH: apt-get install {program.package}"
        if in_ci():
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def missing() -> list[Program]:
    """List the programs that are not on PATH."""
    return [program for program in PROGRAMS if shutil.which(program.name) is None]


def _as_root() -> list[str] | None:
    """Return the prefix that makes a command run as root without a question, None where there is no such way."""
    if os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], check=False, capture_output=True).returncode == 0
    ):
        return ["sudo", "-n"]
    return None


def _stop_service(prefix: list[str], name: str) -> None:
    """Stop and disable a service that apt has just started: the tests start their own, on ports of their own."""
    for command in (["systemctl", "disable", "--now", name], ["service", name, "stop"]):
        if shutil.which(command[0]):
            subprocess.run([*prefix, *command], check=False, capture_output=True)


def install(programs: list[Program]) -> None:
    """Install the packages of `programs` where apt is there and may be used; their services are stopped again."""
    prefix = _as_root()
    if prefix is None or shutil.which("apt-get") is None:
        return
    packages = sorted({program.package for program in programs})
    sys.stderr.write(f"Installing through apt, for the tests: {' '.join(packages)}\n")
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    subprocess.run([*apt, "update"], check=False, stdout=subprocess.DEVNULL)
    subprocess.run(
        [*apt, "install", "-y", "--no-install-recommends", *packages], check=False, stdout=subprocess.DEVNULL
    )
    for service in {program.service for program in programs if program.service}:
        _stop_service(prefix, service)


def main() -> None:
    """Install what is missing; name what stays missing, and what will therefore not be tested."""
    if programs := missing():
        install(programs)
    for program in missing():
        sys.stderr.write(
            f"{program.name} is missing, so {program.needed_for} will be {'failed' if in_ci() else 'skipped'}."
            f" To run them: sudo apt-get install {program.package}\n"
        )


if __name__ == "__main__":
    main()
