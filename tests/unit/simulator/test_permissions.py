import pytest

from collector.simulator.directory import FleetDirectory
from collector.simulator.fleet import Fleet, FleetPlan
from collector.simulator.permissions import Permissions

NIL = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def fleet():
    return Fleet(FleetPlan(orgs=2, sites=1, aps=1))


@pytest.fixture
def permissions(fleet):
    return Permissions(FleetDirectory(fleet), "s3cret")


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Token s3cret", "s3cret"),
        ("Token  s3cret ", "s3cret"),
        ("Token other", None),
        ("Bearer s3cret", None),
        ("s3cret", None),
        ("", None),
        (None, None),
    ],
)
def test_a_token_is_valid_only_with_its_scheme(permissions, header, token):
    assert permissions.token_of(header) == token


def test_denying_an_org_denies_its_sites(permissions, fleet):
    first, second = fleet.orgs()
    site_id = fleet.sites(first["id"])[0]["id"]
    permissions.denied.add(first["id"])
    assert not permissions.allows_org(first["id"])
    assert not permissions.allows_site(site_id)
    assert permissions.allows_org(second["id"])
    assert permissions.allows_site(fleet.sites(second["id"])[0]["id"])


def test_an_unknown_site_is_allowed_because_it_is_a_404(permissions):
    assert permissions.allows_site(NIL)


@pytest.mark.parametrize(
    "template",
    [
        "/test",
        "/sites/{site}/stats/devices",
        "/sites/{site}/stats/maps/{map}/assets",
        "/sites/{site}/devices/{site}/cmd",
        "/orgs/{org}/insights/summary",
    ],
)
def test_channels_that_can_be_subscribed(permissions, fleet, template):
    org = fleet.orgs()[0]["id"]
    site = fleet.sites(org)[0]["id"]
    assert permissions.denial_of(template.format(org=org, site=site, map=fleet.maps(site)[0]["id"])) == ""


@pytest.mark.parametrize(
    ("channel", "detail"),
    [
        (f"/sites/{NIL}/stats/devices", "permission denied"),
        (f"/orgs/{NIL}/stats/mxedges", "permission denied"),
        ("/sites/all/stats/devices", "channel not found"),
        ("nonsense", "channel not found"),
        ("", "channel not found"),
    ],
)
def test_channels_that_cannot_be_subscribed(permissions, channel, detail):
    assert permissions.denial_of(channel) == detail


def test_a_map_channel_is_denied_for_a_map_of_another_site(permissions, fleet):
    sites = [fleet.sites(org["id"])[0]["id"] for org in fleet.orgs()]
    map_id = fleet.maps(sites[0])[0]["id"]
    assert permissions.denial_of(f"/sites/{sites[1]}/stats/maps/{map_id}/clients") == "permission denied"
