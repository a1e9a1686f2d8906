"""The dashboards tell no lies: every family and label exists, every panel says what it is, and nothing overlaps.

Beside our own promises these are the rules of Grafana's dashboard-linter (grafana/dashboard-linter, docs/index.md),
each named by its rule.
"""

import json
import re
import subprocess

import promql_parser
import pytest
import yaml
from mist_screens.__main__ import HERE, outputs
from mist_screens.settings import Settings

from tests.support.families import all_families
from tests.support.promql import Follower, UnknownError, counters_without_rate, plain, selectors, words_of

SETTINGS = Settings.read(HERE / "settings.yaml")
FILES = outputs(SETTINGS)
BOARDS = {board["uid"]: board for path, text in FILES.items() if path.endswith(".json") for board in [json.loads(text)]}
RULES = [
    rule
    for path, text in sorted(FILES.items(), key=lambda item: ("alerts" in item[0], "names" not in item[0], item[0]))
    if path.endswith(".yml")
    for group in yaml.safe_load(text)["groups"]
    for rule in group["rules"]
]
PANELS = [
    pytest.param(board, panel, id=f"{board['uid']}: {panel['title']}")
    for board in BOARDS.values()
    for panel in board["panels"]
    if panel["type"] != "row"
]
# A counter since the start of the range that is shown is what such a panel is about.
OVER_THE_RANGE = "$__range"


@pytest.fixture(scope="session")
def follower():
    """Follows labels through the catalogue, our own families and every recorded series."""
    known = Follower(all_families())
    for rule in RULES:
        if "record" in rule:
            labels = known.labels_of(rule["expr"]) | rule.get("labels", {}).keys()
            before = known.families.get(rule["record"], labels)
            assert before == labels, f"{rule['record']} has two sets of labels"
            known.families[rule["record"]] = frozenset(labels)
    return known


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("record") or rule["alert"])
def test_every_family_and_label_of_a_rule_exists(rule, follower):
    labels = follower.labels_of(rule["expr"]) | rule.get("labels", {}).keys()
    for text in rule.get("annotations", {}).values():
        assert words_of(text) - {"value"} <= labels


class TestFollower:
    """The follower finds what is wrong."""

    @pytest.mark.parametrize(
        ("expr", "fault"),
        [
            ("mist_no_such_family", "there is no family mist_no_such_family"),
            ('mist_device_up{colour="red"}', "is selected by colour"),
            ("sum by (colour) (mist_device_up)", "groups by colour"),
            ("mist_device_up * on (mac) group_left (colour) mist_device_info", "group_left takes colour"),
            ("mist_device_up * on (zone_id) group_left () mist_device_info", "joined on, left zone_id"),
            ("histogram_quantile(0.5, sum by (site_id) (rate(mist_site_client_rssi_dbm_bucket[5m])))", "needs le"),
        ],
    )
    def test_a_fault_is_named(self, expr, fault):
        with pytest.raises(UnknownError, match=re.escape(fault)):
            Follower(all_families()).labels_of(expr)

    def test_labels_are_followed(self):
        follow = Follower(all_families()).labels_of
        assert follow("sum by (site_id, device_type) (mist_device_up) > 0") == {"site_id", "device_type"}
        assert follow("mist_device_up / on (mac) mist_device_uptime_seconds") == {"mac"}
        assert follow('count_values by (mac) ("channel", mist_ap_radio_channel)') == {"mac", "channel"}
        assert follow("mist_device_up * on (mac) group_left (name) mist_device_info") >= {"name", "device_type"}


@pytest.mark.parametrize(("board", "panel"), PANELS)
class TestPanel:
    def test_it_has_a_title_a_description_and_says_what_empty_means(self, board, panel):  # panel-title-description-rule
        assert panel["title"]
        assert len(panel["description"]) > 20
        assert "<" not in panel["description"]
        assert panel["fieldConfig"]["defaults"]["noValue"]

    def test_it_uses_the_chosen_data_source(self, board, panel):  # panel-datasource-rule
        for holder in (panel, *panel["targets"]):
            assert holder["datasource"] == {"type": "prometheus", "uid": "${datasource}"}

    def test_it_has_a_unit(self, board, panel):  # panel-units-rule
        units = {panel["fieldConfig"]["defaults"]["unit"]} | {
            said["value"]
            for override in panel["fieldConfig"]["overrides"]
            for said in override["properties"]
            if said["id"] == "unit"
        }
        assert units <= {
            "short", "percentunit", "s", "dtdurations", "bps", "bytes", "dBm", "dB", "celsius", "watt", "pps", "ops",
            "reqps", "bool_yes_no",
        }  # fmt: skip

    def test_it_is_no_angular_panel(self, board, panel):
        assert panel["type"] in {"stat", "timeseries", "table", "bargauge", "state-timeline"}

    def test_it_has_queries(self, board, panel):  # panel-no-targets-rule
        assert panel["targets"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])

    def test_its_queries_name_what_exists(self, board, panel, follower):  # target-promql-rule
        for target in panel["targets"]:
            labels = follower.labels_of(target["expr"])
            legend = target["legendFormat"]
            assert words_of(legend) <= labels, legend

    def test_its_queries_select_job_and_instance(self, board, panel):  # target-job-rule, target-instance-rule
        for target in panel["targets"]:
            for selector in selectors(promql_parser.parse(plain(target["expr"]))):
                matchers = {f"{matcher.name}{matcher.op}{matcher.value}" for matcher in selector.matchers.matchers}
                named = {matcher.name: matcher.value for matcher in selector.matchers.matchers}
                if selector.name == "ALERTS":  # alerts belong to no single collector
                    continue
                assert named.get("job") == "$job", matchers
                assert named.get("instance") == "$instance", matchers

    def test_its_rates_follow_the_scrape_interval(self, board, panel):  # target-rate-interval-rule
        for target in panel["targets"]:
            outside_texts = re.sub(r'"[^"]*"', "", target["expr"])
            for window in re.findall(r"\[([^\]]+)\]", outside_texts):
                assert window in {"$__rate_interval", OVER_THE_RANGE}

    def test_its_counters_are_rates(self, board, panel):  # target-counter-agg-rule
        for target in panel["targets"]:
            assert list(counters_without_rate(promql_parser.parse(plain(target["expr"])))) == []

    def test_polled_counters_come_from_records(self, board, panel):
        """A scrape's rate interval is shorter than a poll's period: such a rate would be holes and spikes."""
        for target in panel["targets"]:
            if "$__rate_interval" in target["expr"]:
                polled = r"rate\(mist_(switch_port|gateway_port|wan_tunnel|bgp_peer|site_asset)_"
                assert not re.search(polled, target["expr"])

    def test_columns_and_links_of_a_table_exist(self, board, panel, follower):
        if panel["type"] != "table":
            pytest.skip("no table")
        labels = set().union(*(follower.labels_of(target["expr"]) for target in panel["targets"]))
        several = len(panel["targets"]) > 1
        values = {f"Value #{target['refId']}" for target in panel["targets"]} if several else {"Value"}
        (organize,) = (t["options"] for t in panel["transformations"] if t["id"] == "organize")
        assert organize["indexByName"].keys() <= labels | values
        shown = organize["indexByName"].keys() - {name for name, out in organize["excludeByName"].items() if out}
        unnamed = (labels | values) - organize["indexByName"].keys() - organize["excludeByName"].keys()
        assert unnamed == set(), "labels that would come as columns without a title"
        for field in re.findall(r"__data\.fields\.(\w+)", json.dumps(panel)):
            assert field in shown
        titles = {organize["renameByName"].get(name, name) for name in shown}
        for override in panel["fieldConfig"]["overrides"]:
            assert override["matcher"]["options"] in titles

    def test_links_lead_to_dashboards_that_exist_and_carry_the_choices(self, board, panel):
        for uid, rest in re.findall(r"/d/([\w-]+)/\?([^\"]*)", json.dumps(panel)):
            assert uid in BOARDS
            assert "${datasource:queryparam}" in rest
            assert "${__url_time_range}" in rest

    def test_a_state_is_a_word_not_only_a_colour(self, board, panel):
        defaults = panel["fieldConfig"]["defaults"]
        if panel["type"] == "state-timeline":
            assert all(mapping["options"] for mapping in defaults["mappings"])


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
class TestBoard:
    def test_its_choices(self, board):  # template-datasource-rule, template-job-rule, template-instance-rule
        variables = {variable["name"]: variable for variable in board["templating"]["list"]}
        assert variables["datasource"]["type"] == "datasource"
        assert variables["datasource"]["query"] == "prometheus"
        assert variables["datasource"]["label"] == "Data source"
        for name in ("job", "instance"):
            assert variables[name]["label"] == name.title()
            assert variables[name]["allValue"] == ".+"
        for name, variable in variables.items():
            if name != "datasource":
                assert variable["type"] == "query"
                assert variable["multi"]
                assert variable["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
                assert variable["refresh"] == 2, "template-on-time-change-reload-rule"

    def test_its_choices_ask_for_what_exists(self, board, follower):  # template-label-promql-rule
        for variable in board["templating"]["list"][1:]:
            query = variable["query"]["query"]
            inner, label = re.fullmatch(r"(?:label_values|query_result)\((.+?)(?:, (\w+))?\)", query).groups()
            labels = follower.labels_of(inner)
            wanted = set(re.findall(r"\\b(\w+)=", variable.get("regex", ""))) | ({label} if label else set())
            assert wanted
            assert wanted <= labels

    def test_a_choice_shows_the_name_and_holds_the_id(self, board):
        labels = 'country="DE", instance="c", job="j", org="O", org_id="o1", site="B", site_id="s1"'
        series = f"site:mist_site_info:named{{{labels}}} 1 2"
        for variable in board["templating"]["list"]:
            if variable["name"] == "site":
                pattern = (
                    variable["regex"].strip("/").replace("(?<text>", "(?P<text>").replace("(?<value>", "(?P<value>")
                )
                assert re.search(pattern, series).groupdict() == {"text": "B", "value": "s1"}

    def test_it_cannot_be_edited_by_accident(self, board):  # uneditable-dashboard
        assert board["editable"] is False

    def test_it_is_of_the_family(self, board):
        (link,) = board["links"]
        assert (link["type"], link["includeVars"], link["keepTime"], link["asDropdown"]) == (
            "dashboards",
            True,
            True,
            True,
        )
        assert set(link["tags"]) <= set(board["tags"])
        assert board["description"]

    def test_its_schema_is_one_that_grafana_10_imports(self, board):
        assert board["schemaVersion"] <= 36
        assert board.keys() >= {"uid", "title", "panels", "templating", "time", "tags"}

    def test_nothing_overlaps_and_nothing_sticks_out(self, board):
        taken = {}
        for panel in board["panels"]:
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24
            for cell in (
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            ):
                assert cell not in taken, f"{panel['title']} lies on {taken[cell]}"
                taken[cell] = panel["title"]

    def test_the_first_screen_of_a_laptop_answers_whether_all_is_well(self, board):
        """1366 x 768 shows some 16 rows of the grid: the large numbers must be among them."""
        first = [panel for panel in board["panels"] if panel["type"] == "stat"]
        assert first
        assert all(panel["gridPos"]["y"] + panel["gridPos"]["h"] <= 16 for panel in first)

    def test_its_identities_are_unique(self, board):
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)


def test_the_family_is_complete():
    assert [board["title"] for board in BOARDS.values()] == [
        "Mist / NOC wall", "Mist / Site", "Mist / Access points and RF", "Mist / Switches", "Mist / WAN and gateways",
        "Mist / Mist Edge", "Mist / Clients", "Mist / Location", "Mist / Events and alarms", "Mist / Collector",
    ]  # fmt: skip


def test_the_queries_of_the_runbooks_name_what_exists(project, follower):
    for file in sorted((project / "docs/runbooks").glob("*.md")):
        for expr in re.findall(r"```promql\n(.+?)\n```", file.read_text(), re.DOTALL):
            follower.labels_of(expr)


def test_runbooks_name_dashboards_that_exist(project):
    titles = {board["title"].removeprefix("Mist / ") for board in BOARDS.values()}
    for file in sorted((project / "docs/runbooks").glob("Mist*.md")):
        for title in re.findall(r"\*Mist / ([^*]+)\*", file.read_text()):
            assert title in titles, file.name


def test_every_recorded_series_is_used():
    used = "\n".join([*(json.dumps(board) for board in BOARDS.values()), *(rule["expr"] for rule in RULES)])
    assert [rule["record"] for rule in RULES if "record" in rule and rule["record"] not in used.replace("\\", "")] == []


def test_promtool_parses_every_query_of_the_panels(promtool, tmp_path):
    """The parser of promql-parser is a port; this is Prometheus' own."""
    exprs = sorted({plain(t["expr"]) for b in BOARDS.values() for p in b["panels"] for t in p.get("targets", ())})
    rules = [{"record": f"query{number}", "expr": expr} for number, expr in enumerate(exprs)]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(exprs) > 150
