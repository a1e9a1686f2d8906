"""An object that a feed cannot handle costs itself only."""

from structlog.testing import capture_logs

from collector.errors import Rejected
from collector.ingest.rest.objects import INTERNAL_ERROR, ContainedHandler


def test_the_result_of_the_feed_is_returned():
    handle = ContainedHandler(lambda kind, _payload, _ids: None if kind == "org" else Rejected("stale"), "main")
    assert handle("org", {}, {}) is None
    assert handle("site", {}, {}) == Rejected("stale")


def test_an_exception_is_contained_and_logged_once_without_the_payload():
    def handle(kind, payload, ids):
        if kind == "a":
            raise KeyError(payload["name"])
        return payload["absent"]

    contained = ContainedHandler(handle, "main")
    with capture_logs() as logs:
        for kind in ("a", "a", "b"):
            assert contained(kind, {"name": "the payload"}, {"org_id": "o"}) is INTERNAL_ERROR
    assert [(line["event"], line["account"], line["kind"], line["org_id"]) for line in logs] == [
        ("rest_object_failed", "main", "a", "o"),
        ("rest_object_failed", "main", "b", "o"),
    ]
    assert "the payload" not in str(logs)
