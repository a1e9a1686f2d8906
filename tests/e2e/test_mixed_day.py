"""A day in the life of a mixed fleet, with three real processes: a simulated cloud, the daemon, a Prometheus.

Access points, switches, virtual chassis, SRX, clusters of SRX, SSR, Mist Edges and clients at 20 sites live at twenty
times the pace of the clock. Twice the world stands still until everything it says was scraped; between the two moments
one device of each kind restarts. Prometheus then holds the truth of every family, no counter fell that the fleet did
not reset, and the rates of ports are those of the fleet.
"""

import json
import os
import subprocess
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise

import pytest

from collector.config.model import PollPeriods
from tests.support import mixed_fleet, samples
from tests.support.catalogue_oracle import compare
from tests.support.mixed_fleet import Truth
from tests.support.processes import COLLECTOR, Daemon, Prometheus, Simulator

pytestmark = pytest.mark.e2e

SPEED = 20.0
STEP_S = 2.0  # of the fleet, which lives only when told to: so it says nothing before there is somebody to hear it
WARM_UP_S = 90.0  # of the fleet: every switch has said a fresh and a cached message
LIFE_S = float(os.environ.get("MIXED_DAY_S", "240"))  # of the fleet; a restart takes 90 of them
WITHIN_S = float(os.environ.get("WITHIN_S", "120"))  # only ends a test that has failed
# What the fleet has at least, so that a comparison of nothing cannot pass.
LEAST_FAMILIES, LEAST_SERIES, LEAST_COUNTERS, LEAST_PORT_COUNTERS = 500, 30_000, 7_000, 5_000
POLLED_EVERY_S = 30  # the shortest period that may be configured
SECTIONS = {
    "streams": {
        "clients": True,
        "mxedges": True,
        "org_insights": True,
        "location": {"clients": True},
    },
    "clients": {"per_client": True},
    "assets": {"per_asset": True},
    "polls": {"assets": True, "every_s": dict.fromkeys(PollPeriods.model_fields, POLLED_EVERY_S)},
}


@dataclass(frozen=True)
class Moment:
    """What both sides knew while the world stood still."""

    truth: Truth
    held: samples.Samples
    at: float  # of the latest scrape, Unix seconds


@dataclass(frozen=True)
class Day:
    """The two moments, and what Prometheus holds of the time between."""

    catalogue: dict
    first: Moment
    last: Moment
    rebooted: dict  # MAC by kind
    cut_off: str
    histories: list  # every counter's samples over the whole story, as (labels, values)
    rates: samples.Samples  # of every port's counters, from the first moment to the last


@pytest.fixture(scope="module")
def catalogue():
    return json.loads(subprocess.check_output([*COLLECTOR, "catalog", "--format", "json"]))


@pytest.fixture(scope="module")
def day(prometheus, catalogue, tmp_path_factory):
    directory = tmp_path_factory.mktemp("mixed-day")
    with ExitStack() as stack:
        cloud = stack.enter_context(Simulator(directory, **mixed_fleet.PLAN, speed=0))
        devices = mixed_fleet.settle(cloud)
        daemon = Daemon(directory, api_url=cloud.api_url, stream_url=cloud.stream_url, **SECTIONS)
        stack.enter_context(daemon).ready()
        scraper = stack.enter_context(Prometheus(prometheus, directory, daemon.url))
        send_webhooks(cloud, daemon)
        insights = {}
        live(cloud, WARM_UP_S, insights)
        first = stand_still(cloud, scraper, catalogue, insights)
        rebooted = {kind: macs[0] for kind, macs in devices.items()}
        rebooted |= {
            kind: next(m for m, one in first.truth.devices.items() if one["kind"] == kind) for kind in ("ap", "mxedge")
        }
        for mac in rebooted.values():
            cloud.tell("/fleet/actions", action="reboot", mac=mac)
        live(cloud, LIFE_S, insights)
        cut_off = devices["switch"][-1]
        cloud.tell("/fleet/actions", action="disconnect", mac=cut_off)
        last = stand_still(cloud, scraper, catalogue, insights)
        yield Day(
            catalogue=catalogue,
            first=first,
            last=last,
            rebooted=rebooted,
            cut_off=cut_off,
            histories=[
                (row["metric"], [float(value) for _, value in row["values"]])
                for row in scraper.query('{__name__=~"mist_.+_total"}[1h]')
            ],
            rates=rates_of_ports(scraper, catalogue, first.at, last.at),
        )


@pytest.fixture(scope="module")
def outcomes(day):
    """What the two moments compare to."""
    return {
        when: compare(day.catalogue, moment.truth.told, moment.held, mixed_fleet.BUT)
        for when, moment in (("first", day.first), ("last", day.last))
    }


def send_webhooks(cloud, daemon):
    """One webhook of the org for all topics: it tells at once that a device is down."""
    topics = [topic["key"] for topic in cloud.rest("/const/webhook_topics") if topic.get("for_org")]
    (org,) = cloud.ask("/fleet")
    cloud.make_webhook(f"/orgs/{org['id']}", daemon.webhook_url, daemon.SECRET, topics)


def live(cloud, seconds, insights):
    """Let the fleet live so long, `SPEED` times as fast as the clock where the machine can.

    Insights come in pieces, and the cloud's book keeps the latest: they are merged into `insights` on the way.
    """
    (org,) = cloud.ask("/fleet")
    for _ in range(round(seconds / STEP_S)):
        until = time.monotonic() + STEP_S / SPEED
        cloud.tell("/advance", seconds=STEP_S)
        for frame in cloud.ask(f"/ledger/frames?channel=/orgs/{org['id']}/insights/summary"):
            insights.update(frame["payload"])
        time.sleep(max(0.0, until - time.monotonic()))


def stand_still(cloud, scraper, catalogue, insights):
    """Deliver what waits, and wait until what the world said last, by stream and by REST, was scraped; or too long."""
    assert cloud.tell("/pause")["undelivered"] == 0
    truth, until = Truth(cloud, dict(insights)), time.monotonic() + WITHIN_S
    late = faults_of(catalogue, truth, held_by(scraper))
    while late and time.monotonic() < until:
        time.sleep(1)
        late = faults_of(catalogue, truth, held_by(scraper, late), late)  # of the families that lagged behind
        late = late or faults_of(catalogue, truth, held_by(scraper))
    held = held_by(scraper)
    (at,) = (float(row["value"][1]) for row in scraper.query("timestamp(up)"))
    return Moment(truth, held, at)


def held_by(scraper, families=()):
    """Every sample that Prometheus holds now, or those of some families."""
    names = "|".join(families) or "mist_.+"
    return samples.of_query(scraper.query(f'{{__name__=~"{names}",__name__!~"mist_collector_.+|.+_created"}}'))


def faults_of(catalogue, truth, held, families=()):
    """The names of those families, or of these among them, that do not tell the truth."""
    chosen = [one for one in catalogue["families"] if not families or one["name"] in families]
    outcome = compare({"families": chosen}, truth.told, held, mixed_fleet.BUT)
    wrong = {fault.partition(" ")[0] for fault in outcome.faults}
    expected = mixed_fleet.counted(truth)
    if families:
        expected = {key: value for key, value in expected.items() if key[0] in families}
    return wrong | {line.partition(": ")[2].partition("{")[0] for line in miscounted(expected, held)}


def miscounted(expected, held):
    """What is counted otherwise; a count of zero is as good as none."""
    names = {name for name, _ in expected}
    found = {key: value for key, value in held.items() if key[0] in names and (value or key in expected)}
    return samples.differences(expected, found)


def rates_of_ports(scraper, catalogue, since, until):
    """The rate of each counter of each port from the one moment to the other, as Prometheus reckons it."""
    window_ms, rates = round((until - since) * 1000), {}
    for family in catalogue["families"]:
        name = family["name"]
        if family["type"] == "counter" and ("_port_" in name or "_interface_" in name):
            rows = scraper.query(f"rate({name}[{window_ms + 1}ms] @ {until:.3f})")
            rates |= {(name, labels): value for (_, labels), value in samples.of_query(rows).items()}
    return rates


def test_the_fleet_is_mixed(day):
    kinds = {one["kind"] for one in day.last.truth.devices.values()}
    assert kinds == {"ap", "switch", "gateway", "mxedge"}
    assert set(mixed_fleet.KINDS) <= set(day.rebooted)
    assert len(day.last.truth.site_ids) == mixed_fleet.SITES
    assert len(day.last.truth.of("switch_port")) > 300
    assert len(day.last.truth.of("gateway_port")) > 30
    assert {one.object for one in day.last.truth.told} >= {"client", "mxtunnel", "wan_tunnel", "vpn_peer", "bgp_peer"}


@pytest.mark.parametrize("when", ["first", "last"])
def test_every_value_of_every_family_is_the_truth(outcomes, when):
    outcome = outcomes[when]
    assert outcome.faults == []
    assert len(outcome.families) > LEAST_FAMILIES
    assert len(outcome.series) > LEAST_SERIES


@pytest.mark.parametrize("when", ["first", "last"])
def test_everything_is_counted(day, when):
    moment = getattr(day, when)
    expected = mixed_fleet.counted(moment.truth)
    assert {name for name, _ in expected} == mixed_fleet.COUNTED
    assert miscounted(expected, moment.held) == []


def test_every_family_in_prometheus_is_compared_or_said_not_to_be(day, outcomes):
    compared = outcomes["last"].families | mixed_fleet.COUNTED
    held = {name for name, _ in day.last.held}
    assert {name for name in held - compared if not name.startswith(tuple(mixed_fleet.NOT_COMPARED))} == set()


def test_no_counter_fell_that_the_fleet_did_not_reset(day):
    resets = day.last.truth.resets()
    roused = {one.labels["mac"] for one in day.first.truth.of("client") if one.payload["ap_mac"] == day.rebooted["ap"]}
    allowed = Counter(resets) + Counter(roused)
    fell = Counter()
    for labels, values in day.histories:
        whose = labels.get("mac") or (f"tunnel {labels['ap']}" if "ap" in labels else labels["__name__"])
        fell[whose] = max(fell[whose], sum(later < earlier for earlier, later in pairwise(values)))
    assert len(day.histories) > LEAST_COUNTERS
    assert {kind: fell[mac] for kind, mac in day.rebooted.items()} == dict.fromkeys(day.rebooted, 1)
    assert {whose: times for whose, times in fell.items() if times > allowed[whose]} == {}


def test_rates_of_ports_are_those_of_the_fleet(day):
    rebooted, wrong_ones, compared, families = set(day.rebooted.values()), [], 0, set()
    window_s = day.last.at - day.first.at
    for key, rate in day.rates.items():
        before, after = day.first.held.get(key), day.last.held.get(key)
        if before is None or after is None:
            continue  # the port was not told of yet at the first moment
        truths = [after - before]
        if dict(key[1])["mac"] in rebooted:  # at the first moment: since then it counted from 0 to `after`
            # Prometheus sees that, unless between two scrapes the new count overtook the old one
            truths = [after] if after < before else [after, after - before]
        compared += 1
        families.add(key[0])
        if not any(abs(rate * window_s - truth) <= 0.01 * truth for truth in truths):
            wrong_ones.append(f"{samples.shown(key)}: {rate * window_s} instead of {truths}")
    assert wrong_ones == []
    assert compared > 0.97 * len(day.rates)
    assert compared > LEAST_PORT_COUNTERS
    assert {name.split("_port_")[0] for name in families if "_port_" in name} == {
        "mist_ap", "mist_switch", "mist_gateway", "mist_mxedge",
    }  # fmt: skip


def test_what_was_cut_off_is_down(day):
    ups = samples.by_label(day.last.held, "mist_device_up", "mac")
    assert ups[day.cut_off,] == 0
    assert {ups[mac,] for mac in day.rebooted.values()} == {1}
