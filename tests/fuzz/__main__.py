"""`make fuzz`: every target under libFuzzer (atheris), and whole answers against the real daemon; a count at the end.

The target "answers" mutates whole REST answers (status, headers, body, timing) and handshakes of several accounts of a
The target "answers" mutates whole REST answers (status, headers, body, timing) and handshakes of some accounts of a

Inputs that break a target are left in `tests/fuzz/found/<target>`, where the suite plays them for ever after. What was
learnt in between is kept in `build/fuzz`, so that the next run begins where this one ended.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
from pathlib import Path

FOUND = Path(__file__).resolve().parent / "found"
LEARNT = Path("build/fuzz")
RUNS = re.compile(r"Done (\d+) runs? in (\d+) second|stat::number_of_executed_units:\s*(\d+)")
ATTACKS = re.compile(r"^([\d,]+) attacks", re.MULTILINE)
ANSWERS = "answers"
TARGET_NAMES = ("frame", "payload", "delivery", "head", "rest", "configuration", ANSWERS)
# Of the time: the cheap ones see many inputs in little of it.
SHARES = {
    "frame": 0.15, "payload": 0.2, "delivery": 0.15, "head": 0.05, "rest": 0.15, "configuration": 0.1, ANSWERS: 0.2,
}  # fmt: skip


def main() -> int:
    """Exit code 0 when nothing escaped."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="for all targets together")
    parser.add_argument("--jobs", type=int, default=2, help="targets at once")
    parser.add_argument("--one", choices=TARGET_NAMES, help=argparse.SUPPRESS)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"default all: {', '.join(TARGET_NAMES)}")
    asked, rest = parser.parse_known_args()
    if asked.one:
        _fuzz(asked.one, rest)
        return 0
    names = asked.targets or list(TARGET_NAMES)
    shares = {name: SHARES[name] / sum(SHARES[n] for n in names) for name in names}
    waiting = sorted(names, key=lambda name: -shares[name])
    running: dict[str, subprocess.Popen[str]] = {}
    total, escaped = 0, []
    while waiting or running:
        while waiting and len(running) < asked.jobs:
            name = waiting.pop(0)
            running[name] = _start(name, max(1, round(asked.seconds * shares[name] * asked.jobs)))
        name, process = next(iter(running.items()))
        said = process.communicate()[0]
        del running[name]
        counts = [int(a or c) for a, _, c in RUNS.findall(said)]
        counts += [int(count.replace(",", "")) for count in ATTACKS.findall(said)]
        runs = max(counts, default=0)
        total += runs
        sys.stdout.write(f"{name:16}{runs:>12,} inputs, exit code {process.returncode}\n")
        sys.stdout.flush()
        if process.returncode:
            escaped.append(name)
            sys.stdout.write(said[-4000:])
    sys.stdout.write(
        f"{'all':16}{total:>12,} inputs; {'escapes in ' + ', '.join(escaped) if escaped else 'no escape'}\n"
    )
    return 1 if escaped else 0


def _start(name: str, seconds: int) -> subprocess.Popen[str]:
    if name == ANSWERS:
        command = [sys.executable, "-m", "tests.hostile", "--fuzz", "--accounts", "6", "--seconds", str(seconds)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for folder in (LEARNT / name, FOUND / name):
        folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzz", "--one", name]
    limits = [
        f"-max_total_time={seconds}",
        "-max_len=8192",
        "-rss_limit_mb=2048",
        "-timeout=20",
        "-print_final_stats=1",
    ]
    where = [f"-artifact_prefix={FOUND / name}/", str(LEARNT / name)]
    return subprocess.Popen([*command, *limits, *where], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _fuzz(name: str, arguments: list[str]) -> None:
    import atheris

    with atheris.instrument_imports(include=["collector"]):
        from tests.fuzz.targets import TARGETS, seeds
    folder = LEARNT / name
    for seed in seeds(name):
        (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    atheris.Setup([sys.argv[0], *arguments], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
