"""The privileges of a token, from `/self`."""

from __future__ import annotations

import pytest

from collector.errors import DecodeError
from collector.mist.privileges import Privileges, privileges_in

SELF = {
    "email": "user@example.com",
    "privileges": [
        {"scope": "org", "org_id": "org-1", "name": "Acme", "role": "read", "msp_id": "msp-1"},
        {"scope": "site", "org_id": "org-2", "site_id": "site-1", "name": "HQ", "org_name": "Globex"},
        {"scope": "site", "org_id": "org-2", "site_id": "site-2", "name": "Lab", "org_name": "Globex"},
        {"scope": "site", "org_id": "org-1", "site_id": "site-9", "name": "covered by its org"},
        {"scope": "msp", "msp_id": "msp-1", "name": "MSP", "role": "admin"},
        {"scope": "org", "org_id": "org-1", "name": "Acme", "role": "helpdesk"},
        {"scope": "galaxy", "org_id": "org-7"},
        {"scope": "org", "org_id": None},
        "not an object",
    ],
}


def test_orgs_single_sites_and_msps_are_distinguished():
    assert privileges_in(SELF) == Privileges(
        orgs=["org-1"],
        sites={"org-2": ["site-1", "site-2"]},
        org_names={"org-2": "Globex"},
        msps=["msp-1"],
    )


def test_configured_orgs_restrict_the_privileges_and_may_come_by_an_msp():
    privileges = privileges_in(SELF).restricted_to(["org-2", "org-5"])
    assert privileges.orgs == ["org-5"]
    assert privileges.sites == {"org-2": ["site-1", "site-2"]}
    assert privileges.msps == []


@pytest.mark.parametrize("answer", [None, [], {}, {"privileges": None}, {"privileges": {}}])
def test_an_answer_without_a_list_of_privileges_is_an_error(answer):
    with pytest.raises(DecodeError, match="no_privileges"):
        privileges_in(answer)


def test_no_privileges_are_false():
    assert not privileges_in({"privileges": []})


class TestGroups:
    """Scopes of groups: `orgsites` of org tokens, site groups of an org, org groups of a managed service provider."""

    def test_an_org_token_with_rights_to_all_sites_reads_its_org(self):
        assert privileges_in({"privileges": [{"scope": "orgsites", "org_id": "org-1"}]}).orgs == ["org-1"]

    @pytest.mark.parametrize(
        "groups", [{"sitegroup_ids": ["g-1", "g-2"]}, {"sitegroup_id": "g-1", "sitegroup_ids": ["g-2"]}]
    )
    def test_site_groups(self, groups):
        entry = {"scope": "sitegroup", "org_id": "org-1", "org_name": "Acme", **groups}
        privileges = privileges_in({"privileges": [entry]})
        assert privileges == Privileges(sitegroups={"org-1": ["g-1", "g-2"]}, org_names={"org-1": "Acme"})
        assert privileges

    def test_org_groups(self):
        entry = {"scope": "orggroup", "msp_id": "msp-1", "orggroup_ids": ["g-1"]}
        assert privileges_in({"privileges": [entry]}) == Privileges(orggroups={"msp-1": ["g-1"]})

    def test_an_org_group_without_a_provider_names_an_org(self):
        assert privileges_in({"privileges": [{"scope": "orggroup", "org_id": "org-1"}]}).orgs == ["org-1"]

    def test_groups_of_what_can_be_read_as_a_whole_are_dropped(self):
        entries = [
            {"scope": "sitegroup", "org_id": "org-1", "sitegroup_ids": ["g-1"]},
            {"scope": "org", "org_id": "org-1"},
            {"scope": "orggroup", "msp_id": "msp-1", "orggroup_ids": ["g-1"]},
            {"scope": "msp", "msp_id": "msp-1"},
        ]
        assert privileges_in({"privileges": entries}) == Privileges(orgs=["org-1"], msps=["msp-1"])

    def test_configured_orgs_keep_their_site_groups(self):
        entry = {"scope": "sitegroup", "org_id": "org-1", "sitegroup_ids": ["g-1"]}
        privileges = privileges_in({"privileges": [entry, {**entry, "org_id": "org-2"}]}).restricted_to(["org-1"])
        assert privileges == Privileges(sitegroups={"org-1": ["g-1"]})
