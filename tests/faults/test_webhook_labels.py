"""Deliveries with label values and combinations that no fleet has: series and memory stay limited."""

import gc
import io
import json
import os
from itertools import islice, product
from pathlib import Path

import pytest

from collector.catalog import limits
from tests.support import samples
from tests.support.house import keeping_house

EVENTS = "mist_webhook_events_total"
REFUSED = "mist_collector_label_values_refused_total"
LARGE = 990_000  # characters; the limit of an event is 1 MB
PER_DELIVERY = 9
MAC = "5c5b35000001"


async def deliver(house, topic, events):
    url = f"http://127.0.0.1:{house.daemon.webhook.port}/webhook"
    body = json.dumps({"topic": topic, "events": events}).encode()
    async with house.http.post(url, data=io.BytesIO(body)) as answer:
        assert answer.status == 200


def resident_bytes():
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.fault(
    "Webhooks",
    "120,000 events with every combination of 20 unknown organizations, 30 unknown sites each, and 200 event types",
    held="Every event is counted; combinations above the limit of rows have `other` instead of topic and type.",
)
async def test_combinations_of_unknown_values(tmp_path, fault):
    async with keeping_house(tmp_path) as house:
        combinations = product(range(20), range(30), range(200))
        for _ in range(12):
            events = [
                {"org_id": f"org-{org}", "site_id": f"site-{org}-{site}", "type": f"TYPE_{type_}", "mac": MAC}
                for org, site, type_ in islice(combinations, 10_000)
            ]
            await deliver(house, "device-events", events)
        found = await house.samples()
    counted = {labels: value for (name, labels), value in found.items() if name == EVENTS}
    assert sum(counted.values()) == 120_000
    sites = len(house.sites)
    assert len(counted) <= limits.EVENT_COUNTERS.of(sites) + 600 + 50 * sites
    fault.told(found, REFUSED, label=EVENTS)


FIELDS = {
    "site_id": "device-events",
    "org_id": "device-events",
    "type": "device-events",
    "reason": "device-events",
    "ap": "device-updowns",
    "id": "alarms",
    "group": "alarms",
    "message": "audits",
    "ssid": "client-join",
    "zone_id": "zone",
    "map_id": "location",
    "probe_name": "minis-reachability",
    "component": "mxedge-events",
}


@pytest.mark.fault(
    "Webhooks",
    "65 deliveries of nine events with a field of 0.99 MB: site, type, alarm ID, SSID and others",
    held="Label values are shortened to 256 characters. Memory grows by less than 60 MB; the status page stays small.",
)
async def test_fields_of_a_megabyte(tmp_path, fault):
    async with keeping_house(tmp_path) as house:
        event = {"mac": MAC, "type": "T", "status": "open", "trigger": "enter", "avg_latency": 1, "x": 1, "y": 1}
        for field, topic in FIELDS.items():
            await deliver(house, topic, [event | {field: "first"}])
        before = resident_bytes()
        for number in range(5):
            for field, topic in FIELDS.items():
                values = [f"{number}{one}{field}".ljust(LARGE, "x") for one in range(PER_DELIVERY)]
                await deliver(house, topic, [event | {field: value} for value in values])
        grown = resident_bytes() - before
        _, page = await house.get("/")
        _, exposition = await house.get("/metrics")
        found = await house.samples()
    assert samples.total(found, "mist_collector_webhook_events_applied_total") == (1 + 5 * PER_DELIVERY) * len(FIELDS)
    assert grown < 60_000_000
    assert len(page) < 200_000
    assert max(map(len, exposition.splitlines())) < 1500
    fault.told(found, REFUSED, label="site_id")
