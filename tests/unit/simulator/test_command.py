import io
import socket
from dataclasses import fields

import pytest

from collector.simulator.command import EXIT_OK, EXIT_USAGE, cloud_options, run, scenario_and_site
from collector.simulator.flags import SimulateOptions
from collector.simulator.fleet import FleetPlan

SMALL = {"sites": 1, "aps": 1, "clients_per_ap": 0, "api_port": 0, "stream_port": 0, "control_port": 0}


def test_it_prints_its_addresses_and_stops_after_its_seconds():
    out = io.StringIO()
    assert run(SimulateOptions(**SMALL, seconds=0.01), out) == EXIT_OK
    lines = dict(line.split() for line in out.getvalue().splitlines())
    assert lines.keys() == {"api", "stream", "control"}
    assert lines["stream"].startswith("ws://127.0.0.1:")


def test_an_invalid_plan_is_a_usage_error(capsys):
    assert run(SimulateOptions(**SMALL, cadence_s=0)) == EXIT_USAGE
    assert "cadence_s" in capsys.readouterr().err


@pytest.mark.parametrize(
    "invalid", [{"scenarios": ("nonsense",)}, {"webhook_url": "nonsense"}, {"host": "no-such-host.invalid"}]
)
def test_an_invalid_option_is_a_usage_error(invalid, capsys):
    assert run(SimulateOptions(**SMALL | invalid), io.StringIO()) == EXIT_USAGE
    assert capsys.readouterr().err.startswith("simulate: ")


def test_a_port_in_use_is_a_usage_error_that_names_the_options(capsys):
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = used.getsockname()[1]
        assert run(SimulateOptions(**SMALL | {"api_port": port}), io.StringIO()) == EXIT_USAGE
    assert "cannot listen: Address already in use (choose another --api-port" in capsys.readouterr().err


def test_options_are_passed_to_the_cloud():
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


def test_every_count_and_rate_of_a_plan_has_an_option_with_the_same_default():
    plan, options = FleetPlan(), SimulateOptions()
    names = {one.name for one in fields(FleetPlan)} - {"start", "reboot_s", "insights_cadence_s"}
    assert {name: getattr(options, name) for name in names} == {name: getattr(plan, name) for name in names}


def test_without_a_start_the_simulation_starts_now():
    assert cloud_options(SimulateOptions()).plan.start > 1_700_000_000


def test_secrets_are_not_in_the_repr():
    options = SimulateOptions(token="t0ken", webhook_secret="s3cret")
    assert "t0ken" not in repr(options) + repr(cloud_options(options))
    assert "s3cret" not in repr(options) + repr(cloud_options(options))


def test_a_scenario_and_the_index_of_its_site():
    assert scenario_and_site("lunch-rush") == ("lunch-rush", 0)
    assert scenario_and_site("lunch-rush@2") == ("lunch-rush", 2)
    with pytest.raises(ValueError, match="the index of a site"):
        scenario_and_site("lunch-rush@Berlin")
