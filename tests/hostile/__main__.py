"""`make chaos`: five minutes of attacks at random, from a seed, on a daemon that has a healthy account, too."""

from __future__ import annotations

import argparse
import sys

from tests.hostile import chaos


def main() -> int:
    """Exit code 0 when the process lived, the healthy account is true and no secret was shown."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--accounts", type=int, default=4, help="hostile accounts")
    parser.add_argument("--fuzz", action="store_true", help="mutations of good answers only")
    asked = parser.parse_args()
    report = chaos.run(seconds=asked.seconds, seed=asked.seed, hostile=asked.accounts, fuzz_only=asked.fuzz)
    for name, count in sorted(report.attacks.items()):
        sys.stdout.write(f"{name:24}{count:>8,}\n")
    served = sum(report.attacks.values()) - report.attacks["passed"]
    rss = report.rss_mb or [0.0]
    messages = report.frames[-1] if report.frames else 0
    sys.stdout.write(
        f"{served:,} attacks, {report.scrapes} scrapes, {messages:,.0f} messages of the healthy account, "
        f"RSS {rss[0]:.0f} -> {rss[-1]:.0f} MB (at most {max(rss):.0f})\n"
    )
    restarted = {task: count for task, count in report.restarts.items() if count}
    sys.stdout.write(f"task restarts: {restarted or 'none'}\n")
    for wrong in report.wrong:
        sys.stdout.write(f"WRONG: {wrong}\n")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
