import pytest

from collector.simulator.faults import Faults


@pytest.mark.parametrize(
    ("kind", "arguments", "words"),
    [
        ("earthquake", {}, "unknown fault"),
        ("half_open", {"status": 1}, "takes seconds"),
        ("revoke_site", {}, "needs site_id"),
        ("mute", {}, "needs channel"),
        ("shared_token", {"share": "most"}, "share must be int or float"),
        ("rest_status", {"status": "500"}, "status must be int"),
        ("rest_status", {"status": True}, "status must be int"),
        ("half_open", {"seconds": "long"}, "seconds must be int or float"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_by_name(kind, arguments, words):
    with pytest.raises(ValueError, match=words):
        Faults().begin(kind, arguments, now=0.0)


def test_a_fault_lasts_its_seconds():
    faults = Faults()
    faults.begin("rest_status", {"status": 503, "seconds": 10}, now=100.0)
    assert faults.strikes("rest_status", 109.9).status == 503
    assert faults.strikes("rest_status", 110.0) is None
    assert [fault.kind for fault in faults.expire(110.0)] == ["rest_status"]
    assert faults.now_on(110.0) == []


def test_a_fault_is_used_up_by_its_count():
    faults = Faults()
    faults.begin("handshake_status", {"status": 429, "count": 2}, now=0.0)
    assert [bool(faults.strikes("handshake_status", 0.0)) for _ in range(3)] == [True, True, False]


def test_a_fault_about_a_path_hits_only_below_it():
    faults = Faults()
    faults.begin("rest_status", {"status": 500, "path": "/api/v1/orgs"}, now=0.0)
    assert faults.strikes("rest_status", 0.0, "/api/v1/orgs/1/sites")
    assert faults.strikes("rest_status", 0.0, "/api/v1/self") is None


def test_faults_of_one_kind_about_two_sites_live_side_by_side():
    faults = Faults()
    for site_id in ("a", "b"):
        faults.begin("revoke_site", {"site_id": site_id}, now=0.0)
    assert {fault.subject for fault in faults.end("revoke_site")} == {"a", "b"}


def test_retry_after_is_what_was_told_or_what_is_left():
    faults = Faults()
    told = faults.begin("rest_status", {"status": 429, "seconds": 10, "retry_after_s": 3}, now=0.0)
    left = faults.begin("handshake_status", {"status": 429, "seconds": 10}, now=0.0)
    open_ended = faults.begin("rest_status", {"status": 429}, now=0.0)
    assert (told.retry_after(4.5), left.retry_after(4.5), open_ended.retry_after(4.5)) == (3, 6, None)


def test_healing_without_a_kind_heals_all():
    faults = Faults()
    faults.begin("half_open", {}, now=0.0)
    faults.begin("drop_acks", {}, now=0.0)
    assert len(faults.end()) == 2
    assert faults.now_on(0.0) == []
