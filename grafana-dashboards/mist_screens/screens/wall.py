"""The NOC wall: in five seconds, is the network well, and where not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mist_screens import words
from mist_screens.layout import SITE_OF_ROW, Screen, Section, to_screen
from mist_screens.panels import BLUE, HEALTH, ORANGE, RED, YELLOW, Column, Lines, Query, Stat, Steps, Table

if TYPE_CHECKING:
    from mist_screens.settings import Settings

_ALERT = 'ALERTS{alertstate="firing", alertname=~"Mist.+"'


def screen(s: Settings) -> Screen:
    """Return the dashboard."""
    return Screen(
        name="wall",
        title="Mist / NOC wall",
        says="Is the network well, and where is it not? Made to be read from four metres: large numbers first, then names.",
        variables=("org",),
        since="now-3h",
        sections=(
            Section("Now", _now(s)),
            Section("What is wrong", _wrong(s)),
            Section("The last hours", _history(s)),
        ),
    )


def _count(
    title: str, says: str, expr: str, why: str, *, yellow: float | None = None, red: float | None = None
) -> Stat:
    return Stat(
        title=title,
        says=says,
        queries=(Query(expr),),
        empty=words.NO_RULES,
        w=3,
        h=5,
        steps=Steps(why, yellow=yellow, red=red),
        link=to_screen("site"),
    )


def _sites(state: str) -> str:
    return f'sum(org:mist_site_health:count{{<in_org>, state="{state}"}})'


def _down(kind: str) -> str:
    both = 'sum(org:mist_device_up:{what}{{<in_org>, device_type=~"{kind}"}})'
    return f"{both.format(what='count', kind=kind)} - {both.format(what='sum', kind=kind)}"


def _now(s: Settings) -> tuple[Stat, ...]:
    silent = s.thresholds["stream_silent_seconds"]
    return (
        _count(
            "Sites dark",
            "Sites of which every device is down.",
            _sites("dark"),
            "Red from one: a whole site is cut off.",
            red=1,
        ),
        _count(
            "Sites bad",
            "Sites with more than <site_bad_ratio|percent> of their devices down, or without any gateway.",
            _sites("bad"),
            "Yellow from one.",
            yellow=1,
        ),
        _count(
            "Sites degraded",
            "Sites with a device down, but no more than <site_bad_ratio|percent>.",
            _sites("degraded"),
            "Yellow from one; on a large fleet one AP is always down somewhere.",
            yellow=1,
        ),
        _count(
            "Sites well",
            "Sites where everything is up. Together with the three to the left: all sites that have devices.",
            _sites("well"),
            "No limits: it is what is left.",
        ),
        _count(
            "Gateways down",
            "Gateways that are disconnected from Mist.",
            _down("gateway"),
            "Red from one: a site may be cut off.",
            red=1,
        ),
        _count(
            "Switches down",
            "Switches that are disconnected from Mist.",
            _down("switch"),
            "Red from one: what hangs on it is down.",
            red=1,
        ),
        _count(
            "APs down",
            "Access points that are disconnected from Mist.",
            _down("ap"),
            "Yellow from one, red from ten at once.",
            yellow=1,
            red=10,
        ),
        Stat(
            title="Collector quiet for",
            says="Seconds since the quietest stream last brought a message. Large: what the other numbers say is old.",
            queries=(Query("max(connection:mist_collector_silence:seconds{<in_collector>})"),),
            empty="NO: the collector does not answer, or no stream was ever open",
            unit="s",
            w=3,
            h=5,
            decimals=0,
            steps=Steps(
                f"Devices speak every 30 s; red from {silent:g} s, when the stream is blind.",
                yellow=silent / 2,
                red=silent,
            ),
            link=to_screen("collector"),
        ),
    )


def _wrong(s: Settings) -> tuple[Table, ...]:
    return (
        Table(
            title="Alerts that fire",
            says="What fires now, the newest included; inhibition is Alertmanager's and not seen here. A click leads to the site.",
            queries=(
                Query(
                    f'sum by (severity, alertname, org_id, site_id, site, device) ({_ALERT}, scope!="collector", org_id=~"$org|"}})'
                ),
            ),
            empty=words.ALL_WELL,
            w=13,
            h=11,
            drops=("Value",),
            sort="Severity",
            ascending=True,
            columns=(
                Column(field="severity", title="Severity", width=90),
                Column(field="alertname", title="Alert", width=230),
                Column(field="site", title="Site", link=SITE_OF_ROW),
                Column(field="device", title="Device"),
                Column(field="site_id", hidden=True),
            ),
        ),
        Table(
            title="Sites that are not well",
            says="Sites with something down: the share of devices that is up, and how many clients are there. A click leads to the site.",
            queries=(
                Query("topk(50, site:mist_site_health:state{<in_org>} > 0)"),
                Query('bottomk(50, site:mist_device_up:ratio{<in_org>, site!="(no site)"} < 1)'),
            ),
            empty=words.ALL_WELL,
            w=11,
            h=11,
            sort="Health",
            columns=(
                Column(field="site", title="Site", link=SITE_OF_ROW),
                Column(field="Value #A", title="Health", words=HEALTH, width=110),
                Column(
                    field="Value #B",
                    title="Devices up",
                    unit="percentunit",
                    width=110,
                    steps=Steps("", yellow=1, red=1 - s.thresholds["site_bad_ratio"]),
                ),
                Column(field="org", title="Organisation"),
                Column(field="site_id", hidden=True),
            ),
        ),
    )


def _history(s: Settings) -> tuple[Lines | Table, ...]:
    return (
        Lines(
            title="Sites that are not well",
            says="How many sites were dark, bad or degraded. A step upwards is an outage, a slope a spreading fault.",
            queries=tuple(Query(_sites(state), state) for state in ("dark", "bad", "degraded")),
            empty=words.NO_RULES,
            stacked=True,
            colours={"dark": RED, "bad": ORANGE, "degraded": YELLOW},
            decimals=0,
        ),
        Table(
            title="What broke in the last hour",
            says="Devices that went down and alarms that were raised in the last hour, by site. Many of one kind at one site have one cause.",
            queries=(
                Query(
                    'topk(25, round(sum by (org_id, site_id, site, type) (site:mist_webhook_events:increase{<in_org>, type=~".+_DISCONNECTED|.+_down|.+_failure"})))'
                ),
            ),
            empty=words.NO_EVENTS,
            w=8,
            sort="Times",
            columns=(
                Column(field="site", title="Site", link=SITE_OF_ROW),
                Column(field="type", title="What"),
                Column(field="Value", title="Times", width=80),
                Column(field="site_id", hidden=True),
            ),
        ),
        Lines(
            title="Clients",
            says="Wireless clients by band. A sudden fall in the middle of the day is an outage that no device admits.",
            queries=(Query("sum by (band) (site:mist_site_clients:sum{<in_org>})", "{{band}} GHz"),),
            empty=words.NO_CLIENTS,
            stacked=True,
        ),
        Lines(
            title="Airtime at the busiest sites",
            says="The radio that only one in ten exceeds, at the five busiest sites.",
            queries=(
                Query(
                    "topk(5, max by (site, band) (site:mist_ap_radio_utilization_ratio:p90{<in_org>}))",
                    "{{site}} {{band}} GHz",
                ),
            ),
            empty=words.NO_RULES,
            unit="percentunit",
            top=1,
            steps=Steps(
                "Dashed: from <radio_busy_ratio|percent> latency grows, from <radio_saturated_ratio|percent> fast.",
                yellow=s.thresholds["radio_busy_ratio"],
                red=s.thresholds["radio_saturated_ratio"],
            ),
        ),
        Lines(
            title="Alarms open at Mist",
            says="Alarms that nobody has resolved or acknowledged. Critical ones need somebody.",
            queries=(Query("sum by (severity) (site:mist_alarms_open:sum{<in_org>})", "{{severity}}"),),
            empty="No data because no alarm is open, or alarms are neither polled nor posted",
            stacked=True,
            colours={"critical": RED, "warn": YELLOW, "info": BLUE},
        ),
        Lines(
            title="WAN links lost",
            says="WAN links that were up within the last day and are down. Spares that are always down are not counted.",
            queries=(Query('count(ALERTS{alertname="MistWanLinkDown", org_id=~"$org"}) or vector(0)', "lost"),),
            empty=words.NO_RULES,
            stacked=True,
        ),
    )
