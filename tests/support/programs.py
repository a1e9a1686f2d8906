"""The external programs that tests start: where they are, which Debian package provides them, how to install them.

`python -m tests.support.programs` (`make real-parts`) installs the missing ones with apt where that needs no password.

"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

import pytest

_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"  # not on the PATH of a Debian user, but rsyslogd and nginx are there


@dataclass(frozen=True, slots=True)
class Program:
    """An external program.

    Attributes:
        name: The name of the executable.
        package: The Debian package that provides it.
        needed_for: The tests that need it.
        service: The service that the package starts when it is installed; empty without one.

    """

    name: str
    package: str
    needed_for: str
    service: str = ""


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
    Program("chromium", "chromium", "the tests of pages and dashboards in a real browser"),
    Program("rsyslogd", "rsyslog", "the tests of the syslog output against a real rsyslog", service="rsyslog"),
    Program("nats-server", "nats-server", "the tests against a real NATS JetStream", service="nats-server"),
    Program(
        "victoria-metrics",
        "victoria-metrics",
        "the tests of a scrape by VictoriaMetrics",
        service="victoria-metrics",
    ),
    Program("systemd-analyze", "systemd", "the checks of the units in deploy/systemd"),
    Program("shellcheck", "shellcheck", "the check of the installer"),
    Program("kubectl", "kubernetes-client", "the checks of deploy/kubernetes"),
    Program("nginx", "nginx-light", "the check of the nginx example", service="nginx"),
    Program("caddy", "caddy", "the check of the Caddy example", service="caddy"),
    Program("openssl", "openssl", "the certificate in the check of the nginx example"),
    Program("zsh", "zsh", "the tests of command completion in zsh"),
    Program("fish", "fish", "the tests of command completion in fish"),
)
_BY_NAME = {program.name: program for program in PROGRAMS}


def in_ci() -> bool:
    """Return whether this is a CI run: the environment variable CI is set and is not an off word."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false", "no")


def find(name: str) -> str | None:
    """Return the path of an executable on PATH or in an sbin directory, None if there is none."""
    return shutil.which(name) or shutil.which(name, path=_SBIN)


def require(name: str) -> str:
    """Return the path of program `name`; skip the test without it, fail it in CI."""
    path = find(name)
    if path is None:
        reason = f"{name} is not on PATH: apt-get install {_BY_NAME[name].package}"
        if in_ci():
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def missing() -> list[Program]:
    """Return the programs that are not installed."""
    return [program for program in PROGRAMS if find(program.name) is None]


def _as_root() -> list[str] | None:
    """Return the prefix that runs a command as root without a prompt, None if there is none."""
    if os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], check=False, capture_output=True).returncode == 0
    ):
        return ["sudo", "-n"]
    return None


def stop_services(programs: list[Program]) -> None:
    """Stop and disable the services of `programs`: their default ports are the ones that tests look at."""
    prefix = _as_root()
    if prefix is None:
        return
    for service in {program.service for program in programs if program.service}:
        for command in (["systemctl", "disable", "--now", service], ["service", service, "stop"]):
            if find(command[0]):
                subprocess.run([*prefix, *command], check=False, capture_output=True)


def install(programs: list[Program]) -> None:
    """Install the packages of `programs` with apt, if possible without a prompt, and stop their services."""
    prefix = _as_root()
    if prefix is None or shutil.which("apt-get") is None:
        return
    packages = sorted({program.package for program in programs})
    sys.stderr.write(f"Installing with apt, for the tests: {' '.join(packages)}\n")
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    subprocess.run([*apt, "update"], check=False, stdout=subprocess.DEVNULL)
    command = [*apt, "install", "-y", "--no-install-recommends"]
    if subprocess.run([*command, *packages], check=False, stdout=subprocess.DEVNULL).returncode != 0:
        # One package that the distribution does not have fails the whole command.
        for package in packages:
            subprocess.run([*command, package], check=False, stdout=subprocess.DEVNULL)
    stop_services(programs)


def main() -> None:
    """Install the missing programs and print those that stay missing, with the tests that need them."""
    if programs := missing():
        install(programs)
    if in_ci():  # a service of an earlier installation, too
        stop_services(list(PROGRAMS))
    for program in missing():
        sys.stderr.write(
            f"{program.name} is missing. These tests {'fail' if in_ci() else 'are skipped'}: {program.needed_for}."
            f" To run them: sudo apt-get install {program.package}\n"
        )


if __name__ == "__main__":
    main()
