"""The main job with three real processes: a simulated Mist cloud, the daemon, a Prometheus that scrapes it.

One story is played once: minutes of fleet life in seconds, with an access point that restarts, one that is cut off, and
webhook deliveries that come several times. Then the world stands still, and what Prometheus holds is compared with what
the simulator knows to be true.
"""

import json
import subprocess
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise

import pytest

from tests.support import ap_oracle, samples
from tests.support.catalogue_oracle import unexplained
from tests.support.processes import COLLECTOR, Daemon, Prometheus, Simulator, eventually

pytestmark = pytest.mark.e2e

LIFE_S = 200.0  # of the fleet; a restart takes 90 of them
SPEED = 25.0
TOPICS = ["device-events", "device-updowns"]  # what a site's webhook sends too: every such event comes twice


@dataclass(frozen=True)
class Story:
    """What both sides knew when the world stood still."""

    truths: dict  # mac -> true state
    inventory: dict  # mac -> entry of the REST listing
    events: list  # the ledger's
    held: dict  # the samples that Prometheus held of APs, devices, events and the collector
    histories: list  # every counter's samples over the whole story, as (series, values)
    rebooted: str
    cut_off: str


@pytest.fixture(scope="module")
def story(prometheus, tmp_path_factory):
    directory = tmp_path_factory.mktemp("main-job")
    with ExitStack() as stack:
        fleet = {"sites": 3, "aps": 10, "clients_per_ap": 3, "cadence_s": 10, "speed": SPEED}
        cloud = stack.enter_context(Simulator(directory, **fleet, duplicate_share=0.3, webhook_window_s=0.2))
        daemon = stack.enter_context(Daemon(directory, api_url=cloud.api_url, stream_url=cloud.stream_url)).ready()
        scraper = stack.enter_context(Prometheus(prometheus, directory, daemon.url))
        eventually(lambda: scraper.has_scraped_since(0), "a first scrape")
        (org,) = cloud.ask("/fleet")
        send_webhooks(cloud, daemon, org)
        rebooted, cut_off = (device["mac"] for device in org["devices"][:2])
        live(cloud, rebooted, cut_off)
        stand_still(cloud, daemon, scraper)
        yield Story(
            truths=cloud.ask("/truth"),
            inventory={entry["mac"]: entry for entry in cloud.rest(f"/orgs/{org['id']}/inventory?limit=1000")},
            events=cloud.ask("/ledger/events?limit=10000"),
            held=samples.of_query(scraper.query('{__name__=~"mist_.+",__name__!~".+_created"}')),
            histories=[
                (row["metric"], [float(value) for _, value in row["values"]])
                for row in scraper.query('{__name__=~"mist_.+_total"}[10m]')
            ],
            rebooted=rebooted,
            cut_off=cut_off,
        )


def send_webhooks(cloud, daemon, org):
    """One webhook of the org for all topics, and one of each site for some of them."""
    topics = [topic["key"] for topic in cloud.rest("/const/webhook_topics") if topic.get("for_org")]
    cloud.make_webhook(f"/orgs/{org['id']}", daemon.webhook_url, daemon.SECRET, topics)
    for site in org["sites"]:
        cloud.make_webhook(f"/sites/{site['id']}", daemon.webhook_url, daemon.SECRET, TOPICS)


def live(cloud, rebooted, cut_off):
    """Let the fleet live, one access point restart, and another be cut off."""
    began = cloud.ask("/")["simulated_time"]
    cloud.tell("/fleet/actions", action="reboot", mac=rebooted)
    eventually(lambda: cloud.ask("/")["simulated_time"] > began + LIFE_S, "the fleet has lived")
    cloud.tell("/fleet/actions", action="disconnect", mac=cut_off)


def stand_still(cloud, daemon, scraper):
    """Stop the world, let everything that was said arrive, and have it scraped."""
    assert cloud.tell("/pause")["undelivered"] == 0
    sent = sum(cloud.ask("/ledger")["stream"]["sent"].values())

    def arrived():
        found = samples.of_text(daemon.metrics())
        return samples.total(found, "mist_collector_stream_frames_received_total") == sent

    eventually(arrived, f"all {sent} frames have arrived")
    now = time.time()
    eventually(lambda: scraper.has_scraped_since(now), "a scrape after that")


def test_every_value_of_every_access_point_is_the_truth(story):
    expected = {}
    for mac, truth in story.truths.items():
        expected |= ap_oracle.expected(truth, story.inventory[mac])
    found = samples.named(story.held, "mist_ap_", "mist_device_")
    assert len(story.truths) == 30
    assert len(expected) > 4000
    assert samples.differences(expected, found) == []


def test_every_source_in_the_catalogue_is_exported_and_nothing_else_is(story):
    catalogue = json.loads(subprocess.check_output([*COLLECTOR, "catalog", "--format", "json"]))
    states = {mac: truth["state"] for mac, truth in story.truths.items()}
    compared, faults = unexplained(catalogue, "ap", states, story.held)
    assert faults == []
    assert compared > 3500


def test_no_counter_fell_that_the_fleet_did_not_reset(story):
    fell = Counter()
    for labels, values in story.histories:
        whose = labels.get("mac", labels["__name__"])
        fell[whose] = max(fell[whose], sum(later < earlier for earlier, later in pairwise(values)))
    resets = {mac: len(truth["resets"]) for mac, truth in story.truths.items()}
    assert len(story.histories) > 500
    assert max(len(values) for _, values in story.histories) >= 5
    assert resets[story.rebooted] == 1
    assert fell[story.rebooted] == 1, "the restart is seen"
    assert {key: falls for key, falls in fell.items() if falls > resets.get(key, 0)} == {}


def test_every_webhook_event_is_counted_exactly_once(story):
    accepted = [(one["topic"], one["event"], one["accepted"]) for one in story.events if one["webhooks"]]
    assert all(times > 0 for _, _, times in accepted)
    received, once = Counter(), Counter()
    for topic, _, times in accepted:
        received[topic,] += times
        once[topic,] += 1
    again = received - once
    assert again[("device-updowns",)] > 0, "the simulator repeated some"

    def counted(name, *labels):
        return {key: value for key, value in samples.by_label(story.held, name, *labels).items() if value}

    assert counted("mist_webhook_events_total", "topic") == once
    assert counted("mist_collector_webhook_events_received_total", "topic") == received
    assert counted("mist_collector_webhook_events_applied_total", "topic") == once
    assert counted("mist_collector_webhook_events_dropped_total", "topic", "reason") == {
        (topic, "duplicate"): times for (topic,), times in again.items()
    }
    for topic in TOPICS:
        kinds = Counter((topic, e["site_id"], e["type"]) for t, e, _ in accepted if t == topic)
        found = counted("mist_webhook_events_total", "topic", "site_id", "type")
        assert {key: value for key, value in found.items() if key[0] == topic} == kinds
        assert kinds


def test_up_and_down_follow_the_events(story):
    ups = samples.by_label(story.held, "mist_device_up", "mac")
    assert ups[story.cut_off,] == 0
    assert ups[story.rebooted,] == 1


def test_every_frame_is_accounted_for(story):
    received, applied, dropped = (
        samples.total(story.held, f"mist_collector_stream_frames_{fate}_total")
        for fate in ("received", "applied", "dropped")
    )
    assert received > 1000
    assert (received, dropped) == (applied, 0)
