"""Scales from the units of Mist to base units, in addition to those of `collector.metrics.model`."""

from __future__ import annotations

from collector.metrics.model import Scale

BITS = Scale(per=8.0)  # bit/s -> bytes/s
MEGABITS = Scale(times=125_000.0)  # Mbit/s -> bytes/s
MILLIWATTS = Scale(per=1000.0)
MILLISECONDS = Scale(per=1000.0)
MEGAHERTZ = Scale(times=1e6)
HECTOPASCALS = Scale(times=100.0)
BYTE_SCALE = Scale(per=255.0)  # 0-255 -> 0-1
MINUTES = Scale(times=60.0)
