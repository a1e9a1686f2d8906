import pytest

from collector.simulator.fleet import FleetPlan


@pytest.mark.parametrize(
    ("field", "value"),
    [("aps", -1), ("cadence_s", 0), ("events_per_device_hour", -0.5)],
)
def test_an_invalid_value_is_rejected_with_the_name_of_the_field(field, value):
    with pytest.raises(ValueError, match=field):
        FleetPlan(**{field: value})


@pytest.mark.parametrize(
    ("floors", "expected"),
    [(0, [0, 0, 0]), (10, [3, 3, 4]), (2, [1, 1, 1])],
)
def test_office_floors_are_distributed_over_the_sites_of_an_org(floors, expected):
    plan = FleetPlan(sites=3, office_floors=floors)
    assert [plan.office_floors_of_site(number) for number in range(3)] == expected
