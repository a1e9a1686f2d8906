import pytest

from collector.simulator.faults import ALLOWED, REQUIRED, Faults


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("earthquake", {}, "unknown fault"),
        ("half_open", {"status": 1}, "half_open has the arguments seconds, not status"),
        ("revoke_site", {}, "requires site_id"),
        ("silent_channel", {}, "requires channel"),
        ("shared_token", {"share": "most"}, "share must be int or float"),
        ("rest_status", {"status": "500"}, "status must be int"),
        ("rest_status", {"status": True}, "status must be int"),
        ("half_open", {"seconds": "long"}, "seconds must be int or float"),
    ],
)
def test_an_invalid_fault_is_a_value_error(kind, arguments, message):
    with pytest.raises(ValueError, match=message):
        Faults().start(kind, arguments, now=0.0)


def test_required_arguments_are_allowed():
    assert all(names <= ALLOWED[kind] for kind, names in REQUIRED.items())


def test_a_fault_ends_after_its_seconds():
    faults = Faults()
    faults.start("rest_status", {"status": 503, "seconds": 10}, now=100.0)
    assert faults.match("rest_status", 109.9).status == 503
    assert faults.match("rest_status", 110.0) is None
    assert [fault.kind for fault in faults.expire(110.0)] == ["rest_status"]
    assert faults.active(110.0) == []


def test_a_fault_ends_after_its_count():
    faults = Faults()
    faults.start("handshake_status", {"status": 429, "count": 2}, now=0.0)
    assert [bool(faults.match("handshake_status", 0.0)) for _ in range(3)] == [True, True, False]


def test_a_fault_with_a_path_applies_only_below_it():
    faults = Faults()
    faults.start("rest_status", {"status": 500, "path": "/api/v1/orgs"}, now=0.0)
    assert faults.match("rest_status", 0.0, "/api/v1/orgs/1/sites")
    assert faults.match("rest_status", 0.0, "/api/v1/self") is None


def test_faults_of_one_kind_can_have_several_subjects():
    faults = Faults()
    for site_id in ("a", "b"):
        faults.start("revoke_site", {"site_id": site_id}, now=0.0)
    assert {fault.subject for fault in faults.end("revoke_site")} == {"a", "b"}


def test_a_fault_replaces_one_of_the_same_kind_and_subject():
    faults = Faults()
    for status in (500, 503):
        faults.start("rest_status", {"status": status}, now=0.0)
    assert faults.match("rest_status", 0.0).status == 503
    assert len(faults.active(0.0)) == 1


def test_retry_after_is_the_given_value_or_the_remaining_time():
    faults = Faults()
    given = faults.start("rest_status", {"status": 429, "seconds": 10, "retry_after_s": 3}, now=0.0)
    remaining = faults.start("handshake_status", {"status": 429, "seconds": 10}, now=0.0)
    unlimited = faults.start("rest_status", {"status": 429}, now=0.0)
    assert (given.retry_after(4.5), remaining.retry_after(4.5), unlimited.retry_after(4.5)) == (3, 6, None)


def test_end_without_a_kind_ends_all():
    faults = Faults()
    faults.start("half_open", {}, now=0.0)
    faults.start("drop_acks", {}, now=0.0)
    assert len(faults.end()) == 2
    assert faults.active(0.0) == []
