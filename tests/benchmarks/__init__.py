"""The benchmarks behind docs/performance.md: `make bench`, or `python -m tests.benchmarks --help`.

What is measured is CPU time of the process at work, not wall time, and every figure of ours stands beside a baseline
that ran in the same minute, turn by turn with it. So the ratios hold on a machine that is busy with other things; the
microseconds are this machine's.
"""
