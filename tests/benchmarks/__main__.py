"""`python -m tests.benchmarks [NAME ...]`: run the benches, print the table, write the lines."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path

from tests.benchmarks import results
from tests.benchmarks.benches import BENCHES
from tests.benchmarks.profile import PROFILES
from tests.benchmarks.settings import QUICK, Settings


def main() -> int:
    """Exit code 0 when everything ran, whether or not the targets are met: a busy machine is no failure."""
    asked = arguments()
    if asked.profile:
        sys.stdout.write(PROFILES[asked.profile]())
        return 0
    settings = QUICK if asked.quick else Settings()
    if asked.repeat:
        settings = dataclasses.replace(settings, repeat=asked.repeat)
    found: list[results.Result] = []
    for name in asked.names or BENCHES:
        began = time.monotonic()
        sys.stderr.write(f"{name} ...")
        sys.stderr.flush()
        made = BENCHES[name](settings)
        sys.stderr.write(f" {time.monotonic() - began:.0f} s\n")
        results.append(asked.output, made)
        found += made
    sys.stdout.write(results.table(found) + "\n")
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default all: {', '.join(BENCHES)}")
    parser.add_argument("--quick", action="store_true", help="tiny: shows that everything runs, measures nothing")
    parser.add_argument("--repeat", type=int, metavar="N", help="turns of each bench (5)")
    parser.add_argument("--output", type=Path, default=Path("bench-results.jsonl"), help="JSON lines are appended")
    parser.add_argument("--profile", choices=sorted(PROFILES), help="tell where the time goes instead")
    asked = parser.parse_args()
    if unknown := [name for name in asked.names if name not in BENCHES]:
        parser.error(f"no bench is called {', '.join(unknown)}")
    return asked


if __name__ == "__main__":
    sys.exit(main())
