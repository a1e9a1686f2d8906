"""Change events of the stream."""

from __future__ import annotations

import pytest

from collector.errors import Rejected
from collector.feeds.router import FeedRouter
from collector.mist.directories import Directories
from collector.mist.directory import Device, Directory, Org, Site
from tests.support.feeds import series

AP, SITE, ORG = "5c5b35000001", "s", "o"
DEVICES, EDGES = "/sites/s/devices", "/orgs/o/mxedges"
COUNTER = "mist_org_device_changes_total"


def change(status="inprogress", **more):
    detail = {"timestamp": 1_700_000_000, "status": status, "progress": 45}
    return {
        "site_id": SITE,
        "device_id": f"00000000-0000-0000-1000-{AP}",
        "event_type": "fwupdate",
        "detail": detail,
    } | more


@pytest.fixture
def emitted():
    return []


@pytest.fixture
def router(emitted):
    directory = Directory()
    directory.replace([Org(ORG)], [Site(SITE, ORG, "HQ")], [Device(AP, type="ap", site_id=SITE, org_id=ORG)])
    return FeedRouter(Directories(directory), on_event=emitted.append, unix_time=lambda: 1_700_000_009.0)


def test_an_event_is_counted_and_emitted_once(router, emitted):
    apply = router.open_channel(DEVICES)
    assert [apply(change(), 0.0), apply(change(), 1.0)] == [None, Rejected("duplicate")]
    labels = f'org_id="{ORG}",site_id="{SITE}",device_type="ap",event_type="fwupdate",status="inprogress"'
    assert series(router, COUNTER) == {f"{COUNTER}{{{labels}}}": 1}
    (event,) = emitted
    assert (event.source, event.topic, event.type) == ("stream", "device_event", "fwupdate")
    assert (event.org_id, event.site_name, event.device_mac) == (ORG, "HQ", AP)


def test_the_same_change_again_months_later_has_another_identity(router, emitted):
    apply = router.open_channel(DEVICES)
    for timestamp, now in ((1_700_000_000, 0.0), (1_710_000_000, 10_000_000.0)):
        assert apply(change(detail={"timestamp": timestamp, "status": "failed"}), now) is None
    assert len({event.id for event in emitted}) == 2


@pytest.mark.parametrize("payload", ["{", "[]", "5", {}, {"detail": {}}])
def test_a_malformed_event(router, emitted, payload):
    assert router.open_channel(EDGES)(payload, 0.0) is not None
    assert emitted == []


def test_a_synchronization(router, emitted):
    event = {"vendor": "cradlepoint", "status": "Failed", "text": "No key."}
    assert router.open_channel("/orgs/o/otherdevices/sync")(event, 0.0) is None
    name = "mist_other_device_syncs_total"
    assert series(router, name) == {f'{name}{{org_id="o",vendor="cradlepoint",status="failed"}}': 1}
    assert emitted[0].topic == "otherdevice_sync"


def test_labels_are_limited(router):
    apply = router.open_channel(EDGES)
    for number in range(100):
        apply(change(status=f"s{number}", event_type=f"t{number}", device_id=f"{number:012x}"), 0.0)
    statuses = {name.partition('status="')[2] for name in series(router, COUNTER)}
    assert len(statuses) == 51
    refused = router.refused_labels()
    assert refused["event_type"] == refused["status"] == 50
