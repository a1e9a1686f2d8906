"""Every scenario in a running NOC: a real Prometheus with our rules, a real Alertmanager with our routes.

Scenarios of sites play all at once, each at a site of its own; nothing else may fire there, and nothing at a site where
none plays. Those of the collector play one after the other; what no cloud can do to it is done here: it is killed,
Prometheus forgets it, limits fall below what it is. In the end all is quiet again, and every alert has fired.
"""

import json
import re
import subprocess
import time
from collections import defaultdict

import pytest
import yaml
from mist_screens.__main__ import outputs

from collector.simulator.scenarios import SCENARIOS
from tests.support import programs
from tests.support.gallery import Asks, cut_texts, page, variables_of
from tests.support.noc import SCRAPE_S, Noc, hurried
from tests.support.processes import eventually

pytestmark = pytest.mark.e2e

WITHIN_S = 240.0
HOLDS_S = 12.0  # several evaluations: what comes late is not missed
ORG_SCENARIOS = ("edge-down", "edge-trouble")
# What blinds or troubles the collector, and so all that is seen: these play after the others; what stands together,
# together.
TROUBLES = (
    ("wrong-secret", "malformed-frames"),
    ("site-silent", "label-flood"),
    ("rights-lost",),
    ("stream-down",),
    ("collector-blind",),
    ("token-refused",),
    ("mist-unreachable",),
)
TROUBLE_S = 300.0
BY_HAND = ("MistCollectorScrapeSlow", "MistCollectorSeriesLimit", "MistCollectorAbsent", "MistCollectorDown")
SITE_SCENARIOS = [
    name
    for name, scenario in SCENARIOS.items()
    if scenario.of_site and name not in {one for many in TROUBLES for one in many}
]
# What Alertmanager holds back because something greater explains it.
INHIBITED = {
    "site-outage": {"MistGatewayDown", "MistSwitchDown", "MistAccessPointDown"},
    "certificates": {"MistCertificateExpiring"},
    "poe-exhaustion": {"MistPoeBudgetLow"},
    "dhcp-exhaustion": {"MistDhcpPoolLow"},
    "wan-link-down": {"MistWanTunnelDown", "MistVpnPeerDown", "MistBgpPeerDown"},
}
# Queries that rightly find nothing while every scenario plays, and why.
EMPTY_PANELS = {
    "mist-access-points: Uplinks below 1 Gbit/s": "every simulated cable is a good one",
    "mist-location: Position age (p95)": "only positions by webhook say when they were taken",
    "mist-collector: Frames dropped by reason": "until the scenario malformed-frames, nothing is",
    "mist-collector: Disconnects": "until the scenario stream-down, no connection breaks",
    "mist-collector: Top 10 rejected fields": "the simulated cloud says what is well-formed",
    "mist-collector: Label values counted as other": "no label comes near its cap",
}
EMPTY_RULES = {
    "site:mist_device_unheard:count": "every site is heard until the scenario mist-unreachable",
    "MistSiteUnheard": "as above",
}
# Beside the scenarios: events that no alert needs and a panel shows.
STIR = (
    ("client-latency", {f"{stat}_{step}": 0.1 for stat in ("avg", "min", "max") for step in ("auth", "dhcp", "dns")}),
    ("audits", {"message": "Update Site Settings", "admin_name": "Jane", "id": "$id"}),
    (
        "guest-authorizations",
        {"ssid": "Guest", "auth_method": "email", "client": "02000000aaab", "authorized_time": "$now"},
    ),
)
WIDTH_PX = 1366  # of a small laptop
CHROMIUM_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1")
FILES = outputs(hurried())
BOARDS = {board["uid"]: board for path, text in FILES.items() if path.endswith(".json") for board in [json.loads(text)]}
HURRIED_RULES = [
    rule
    for path, text in FILES.items()
    if path.endswith(".yml")
    for group in yaml.safe_load(text)["groups"]
    for rule in group["rules"]
]
FLEET = {
    "aps": 4,
    "switches": 1,
    "virtual_chassis": 1,
    "gateways": 1,
    "srx_clusters": 1,
    "mxedges": 2,
    "clients_per_ap": 2,
    "cadence_s": 10,
    "speed": 4,
    "location_cadence_s": 60,
    "assets": 2,
    "reboots_per_device_day": 0,
    "port_flaps_per_device_day": 0,
    "events_per_device_hour": 0,
    "site_events_per_hour": 0,
    "webhook_window_s": 0.5,
    "calls_per_hour": 1_000_000,
}


@pytest.fixture(scope="module")
def noc(tmp_path_factory):
    wanted = {name: programs.require(name) for name in ("prometheus", "prometheus-alertmanager")}
    directory = tmp_path_factory.mktemp("noc")
    # The fleet lives faster than we do: it begins in the past, to be in the present while it is looked at.
    start = time.time() - 3 * 240
    with Noc(directory, wanted, sites=2 + len(SITE_SCENARIOS), scenario="calm", start=start, **FLEET) as running:
        eventually(lambda: running.prometheus.query("site:mist_site_health:state"), "rules are evaluated", within_s=60)
        yield running


@pytest.fixture(scope="module")
def artefact(project):
    """Where what was seen is left for people."""
    folder = project / "build" / "noc"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def by_site(noc):
    """Alert names that fire, by site id; those of the collector under ""."""
    found = defaultdict(set)
    for labels in noc.firing():
        found[labels.get("site_id", "")].add(labels["alertname"])
    return found


def settles(noc, expected, what, *, within_s=WITHIN_S):
    """Wait until exactly these alerts fire, by site, and stay so; return the seconds that each site took."""
    began, seen, right_since = time.monotonic(), {}, None

    def missing():
        found = by_site(noc)
        for site, alerts in expected.items():
            if found[site] == alerts:
                seen.setdefault(site, round(time.monotonic() - began))
        wrong = {site: (sorted(found[site]), sorted(expected.get(site, set()))) for site in found.keys() | expected}
        return {site: pair for site, pair in wrong.items() if pair[0] != pair[1]}

    until = began + within_s
    while right_since is None or time.monotonic() < right_since + HOLDS_S:
        faults = missing()
        right_since = None if faults else right_since or time.monotonic()
        assert time.monotonic() < until, f"{what}: (fires, should) by site: {faults}"
        time.sleep(1)
    return seen


@pytest.fixture(scope="module")
def played(noc, artefact):
    """All scenarios of sites and of Mist Edges at once, and what fired in the end."""
    quiet_first = settles(noc, {}, "a calm fleet is quiet", within_s=120)
    assert quiet_first == {}
    stages = {name: place for place, name in enumerate(SITE_SCENARIOS, start=2)}
    names = {site["id"]: site["name"] for site in noc.sites}
    expected = defaultdict(set)
    for name, place in stages.items():
        expected[noc.sites[place]["id"]] |= set(noc.play(name, place))
    edges = set().union(*(noc.play(name) for name in ORG_SCENARIOS))
    expected[noc.sites[0]["id"]] |= {
        "MistEdgeServiceDown",
        "MistEdgePortDown",
    }  # the last edge belongs to the first site
    expected[""] |= {"MistEdgeDown"}
    assert edges == {"MistEdgeServiceDown", "MistEdgePortDown", "MistEdgeDown"}
    took = settles(noc, expected, "each scenario fires its alerts and no others")
    firing = noc.firing()
    report = {
        name: {
            "site": noc.sites[place]["name"],
            "alerts": sorted(SCENARIOS[name].alerts),
            "seconds": took[noc.sites[place]["id"]],
        }
        for name, place in stages.items()
    }
    (artefact / "alerts.json").write_text(json.dumps({"scenarios": report, "firing": firing}, indent=2))
    return {"stages": stages, "firing": firing, "names": names}


def test_each_scenario_fires_what_it_should_and_nothing_else(played):
    assert len(played["stages"]) >= 12


def test_every_alert_names_the_thing_and_the_place(played):
    for labels in played["firing"]:
        annotations = labels["annotations_"]
        for text in (annotations["summary"], annotations["description"]):
            assert "<no value>" not in text
            assert "error" not in text.lower() or "errors" in text.lower(), text
        if labels.get("site_id"):
            assert played["names"][labels["site_id"]] in annotations["summary"] + annotations["description"]
        assert re.search(rf"/{labels['alertname']}\.md$", annotations["runbook_url"])


def test_the_greater_silences_the_smaller(played, noc):
    suppressed = defaultdict(set)
    for labels in played["firing"]:
        if labels["state_"] == "suppressed":
            suppressed[labels.get("site_id", "")].add(labels["alertname"])
    expected = {noc.sites[played["stages"][name]]["id"]: alerts for name, alerts in INHIBITED.items()}
    assert suppressed == expected


def test_no_rule_has_an_error(played, noc):
    assert noc.prometheus.rule_faults() == {}


def ask_rule(noc, rule):
    """What a rule returns; an alert of the collector is asked once, for mostly it returns nothing."""
    once = rule.get("alert", "").startswith("MistCollector") or (rule.get("record") or rule["alert"]) in EMPTY_RULES
    return (noc.prometheus.query if once else noc.prometheus.answer)(rule["expr"])


@pytest.fixture(scope="module")
def answers(played, noc, artefact):
    """Every query of every panel and what it returned, while all scenarios play."""
    steps = [
        {
            "action": "event",
            "topic": topic,
            "event": {"org_id": "$org_id", "site_id": "$site_id", "timestamp": "$now"} | event,
            "times": 500,
            "every_s": 10,
        }
        for topic, event in STIR
    ]
    noc.cloud.tell("/scenario", name="stir", steps=steps)
    time.sleep(6 * SCRAPE_S)
    queries = [
        (board["uid"], panel["title"], target["expr"])
        for board in BOARDS.values()
        for panel in board["panels"]
        for target in panel.get("targets", ())
    ]
    found = [
        {"dashboard": uid, "panel": title, "query": expr, "series": len(noc.prometheus.answer(variables_of(expr)))}
        for uid, title, expr in queries
    ]
    rules = [
        {
            "rule": rule.get("record") or rule["alert"],
            "query": rule["expr"],
            "series": len(ask_rule(noc, rule)),
        }
        for rule in HURRIED_RULES
    ]
    (artefact / "queries.json").write_text(json.dumps({"panels": found, "rules": rules}, indent=2))
    return {"panels": found, "rules": rules}


def test_every_query_of_every_panel_returns_something(answers):
    empty = {f"{one['dashboard']}: {one['panel']}" for one in answers["panels"] if not one["series"]}
    assert empty - EMPTY_PANELS.keys() == set()
    assert len(answers["panels"]) > 180


def test_every_rule_returns_something(answers):
    """Of an alert: where its scenario plays; those of the collector play later, alone."""
    empty = {one["rule"] for one in answers["rules"] if not one["series"]}
    empty = {rule for rule in empty if not rule.startswith("MistCollector")}
    assert empty - EMPTY_RULES.keys() == set()


@pytest.mark.parametrize("uid", BOARDS)
def test_a_dashboard_can_be_read(uid, answers, noc, artefact, chromium):
    """In a real browser, at the size of a laptop: no title is cut, no number sticks out of its panel."""
    ask = Asks(
        now=lambda expr: noc.prometheus.answer(variables_of(expr)),
        lately=lambda expr: noc.prometheus.lately(variables_of(expr)),
    )
    text = page(BOARDS[uid], ask, WIDTH_PX)
    file = artefact / f"{uid}.html"
    file.write_text(text)
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in BOARDS[uid]["panels"]) * 38 + 60
    command = [chromium, *CHROMIUM_FLAGS, f"--window-size={WIDTH_PX},{height}"]
    shot = artefact / f"{uid}.webp"
    subprocess.run([*command, f"--screenshot={shot}", file.as_uri()], check=True, capture_output=True, timeout=120)
    dom = subprocess.run(
        [*command, "--dump-dom", file.as_uri()], check=True, capture_output=True, text=True, timeout=120
    )
    assert cut_texts(dom.stdout) == []
    assert shot.stat().st_size > 20_000


def test_all_is_quiet_again_when_the_scenarios_end(played, noc):
    for name in (*played["stages"], *ORG_SCENARIOS, "stir"):
        noc.end(name)
    settles(noc, {}, "all is quiet again", within_s=300)


@pytest.mark.parametrize("names", TROUBLES, ids="+".join)
def test_a_trouble_of_the_collector_is_told_and_ends(names, noc):
    first, everywhere = noc.sites[0]["id"], [site["id"] for site in noc.sites]
    expected = defaultdict(set)
    for name in names:
        for alert in noc.play(name):
            places = {"MistCollectorSiteStale": [first], "MistSiteUnheard": everywhere}.get(alert, [""])
            for place in places:
                expected[place].add(alert)
    settles(noc, expected, "+".join(names), within_s=TROUBLE_S)
    for name in names:
        noc.end(name)
    settles(noc, {}, f"{'+'.join(names)} is over", within_s=TROUBLE_S)


def test_answers_that_are_too_large_or_too_late_are_told(noc):
    """The limits are set below what this small fleet takes."""
    values = {
        one["metric"]["__name__"]: float(one["value"][1]) for one in noc.prometheus.query('{__name__=~"scrape_.+"}')
    }
    noc.prometheus.limit(
        series_limit=int(values["scrape_samples_scraped"] / 2), scrape_seconds=values["scrape_duration_seconds"] / 10
    )
    settles(noc, {"": {"MistCollectorSeriesLimit", "MistCollectorScrapeSlow"}}, "the limits are low")
    noc.prometheus.limit()
    settles(noc, {}, "the limits are as they were")


def test_a_collector_that_prometheus_does_not_know_is_told(noc):
    noc.prometheus.discover(nothing=True)
    settles(noc, {"": {"MistCollectorAbsent"}}, "nothing is discovered")
    noc.prometheus.discover()
    settles(noc, {}, "it is scraped again")


def test_a_token_that_others_use_up_and_a_collector_that_dies_are_told(noc):
    """An hour's calls stay used, so only a start with a fresh count ends that alert before the hour does."""
    (alert,) = noc.play("token-shared")
    settles(noc, {"": {alert}}, "the token is shared")
    noc.end("token-shared")
    noc.daemon.die()
    settles(noc, {"": {"MistCollectorDown"}}, "the collector is dead")
    noc.daemon.come_back()
    settles(noc, {}, "the collector is back", within_s=TROUBLE_S)


def test_every_alert_that_there_is_fires_here():
    played = {*SITE_SCENARIOS, *ORG_SCENARIOS, "token-shared", *(name for names in TROUBLES for name in names)}
    fired = {alert for name in played for alert in SCENARIOS[name].alerts} | set(BY_HAND)
    assert fired == {rule["alert"] for rule in HURRIED_RULES if "alert" in rule}
    assert played | {"calm", "rest-failing"} == SCENARIOS.keys()  # the latter is a part of mist-unreachable
