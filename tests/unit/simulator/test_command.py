import io
import socket
from dataclasses import fields

import pytest

from collector.simulator.command import EXIT_OK, EXIT_USAGE, cloud_options, run
from collector.simulator.flags import SimulateOptions
from collector.simulator.fleet import FleetPlan
from collector.simulator.options import CloudOptions

SMALL = {"sites": 1, "aps": 1, "clients_per_ap": 0, "api_port": 0, "stream_port": 0, "control_port": 0}


def test_it_says_where_it_is_and_ends_after_its_seconds():
    out = io.StringIO()
    assert run(SimulateOptions(**SMALL, seconds=0.01), out) == EXIT_OK
    lines = dict(line.split() for line in out.getvalue().splitlines())
    assert lines.keys() == {"api", "stream", "control"}
    assert lines["stream"].startswith("ws://127.0.0.1:")


def test_a_plan_that_makes_no_sense_is_a_usage_error(capsys):
    assert run(SimulateOptions(**SMALL, cadence_s=0)) == EXIT_USAGE
    assert "cadence_s" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong", [{"scenarios": ("nonsense",)}, {"webhook_url": "nonsense"}, {"host": "no-such-host.invalid"}]
)
def test_what_there_is_not_is_a_usage_error(wrong, capsys):
    assert run(SimulateOptions(**SMALL | wrong), io.StringIO()) == EXIT_USAGE
    assert capsys.readouterr().err.startswith("simulate: ")


def test_a_port_that_is_taken_is_named(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(SimulateOptions(**SMALL | {"api_port": port}), io.StringIO()) == EXIT_USAGE
    assert "cannot listen: Address already in use (choose another --api-port" in capsys.readouterr().err


def test_flags_reach_the_cloud():
    options = SimulateOptions(
        seed=9,
        sites=7,
        speed=60,
        objects=True,
        webhook_url="http://127.0.0.1:1/w",
        start=5.0,
        roams_per_client_hour=90.0,
    )
    cloud = cloud_options(options)
    assert (cloud.plan.seed, cloud.plan.sites, cloud.plan.start) == (9, 7, 5.0)
    assert cloud.plan.roams_per_client_hour == 90.0
    assert (cloud.speed, cloud.nested, cloud.webhook_url) == (60, False, "http://127.0.0.1:1/w")


def test_every_count_and_rate_of_a_fleet_has_a_flag_with_its_default():
    plan, options = FleetPlan(), SimulateOptions()
    ours = {one.name for one in fields(FleetPlan)} - {"start", "reboot_s", "insights_cadence_s"}
    assert {name: getattr(options, name) for name in ours} == {name: getattr(plan, name) for name in ours}


def test_without_a_start_the_fleet_begins_now():
    assert cloud_options(SimulateOptions()).plan.start > 1_700_000_000


def test_secrets_do_not_print():
    options = SimulateOptions(token="t0ken", webhook_secret="s3cret")
    assert "t0ken" not in repr(options) + repr(cloud_options(options))
    assert "s3cret" not in repr(options) + repr(cloud_options(options))


@pytest.mark.parametrize("wrong", [{"speed": -1.0}, {"tick_s": 0.0}])
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CloudOptions(**wrong)
