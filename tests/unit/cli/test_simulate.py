"""`simulate`: its options are those of the simulator, and it prints its addresses."""

from collector.cli import exits
from collector.simulator.flags import SimulateOptions


def test_options(invoke, monkeypatch):
    seen = []
    monkeypatch.setattr("collector.simulator.command.run", lambda options: seen.append(options) or 0)
    invoke("simulate")
    invoke(
        "simulate",
        "--sites",
        "7",
        "--objects",
        "--scenario",
        "noise",
        "--scenario",
        "malformed-frames",
        "--speed",
        "2.5",
    )
    assert seen == [
        SimulateOptions(),
        SimulateOptions(sites=7, objects=True, scenarios=("noise", "malformed-frames"), speed=2.5),
    ]


def test_addresses(invoke):
    ports = [f"--{name}-port=0" for name in ("api", "stream", "control")]
    words = invoke("simulate", *ports, "--seconds", "0.01", "--aps", "1", "--sites", "1").stdout.split()
    assert words[0::2] == ["api", "stream", "control"]


def test_an_invalid_option(invoke):
    invoke("simulate", "--cadence-s", "0", code=exits.USAGE)
