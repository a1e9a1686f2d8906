"""Location: zones against their limits, comings and goings, how long people stay, assets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mist_screens import words
from mist_screens.layout import SITE_OF_ROW, Screen, Section
from mist_screens.panels import Bars, Column, Lines, Query, Stat, Steps, Table

if TYPE_CHECKING:
    from mist_screens.panels import Panel
    from mist_screens.settings import Settings

_NAMED = "* on (<zone>) group_left (zone, site) zone:mist_zone_info:named{<in_site>}"
_EMPTY = "No data because nobody is located: set streams.location and polls.maps, or polls.zones; or there are no zones"
_NO_POSITIONS = "No data because positions are not streamed: set streams.location; or nobody is on the floors"


def screen(s: Settings) -> Screen:
    """Return the dashboard."""
    return Screen(
        name="location",
        title="Mist / Location",
        says="Who is where: zones against their limits, comings and goings, how long people stay.",
        sections=(
            Section("At a glance", _glance(s)),
            Section("Zones", _zones(s)),
            Section("Floors", _floors()),
            Section("Assets", _assets()),
        ),
    )


def _full(s: Settings) -> Steps:
    return Steps("Yellow from 80% of the limit, red at the limit.", yellow=0.8, red=s.thresholds["zone_ratio"])


def _glance(s: Settings) -> tuple[Panel, ...]:
    return (
        Stat(
            title="In zones",
            says="People in any zone: connected clients and users of an app.",
            queries=(Query("sum(zone:mist_zone_occupants:sum{<in_site>})"),),
            empty=_EMPTY,
            w=6,
        ),
        Stat(
            title="Zones over their limit",
            says="Zones that hold more people than they may.",
            queries=(Query("count(zone:mist_zone_occupants:ratio{<in_site>} > <zone_ratio>) or vector(0)"),),
            empty=_EMPTY,
            w=6,
            steps=Steps("Red from one.", red=1),
        ),
        Stat(
            title="Fullest zone",
            says="The zone that is closest to its limit.",
            queries=(Query("max(zone:mist_zone_occupants:ratio{<in_site>})"),),
            empty=_EMPTY,
            unit="percentunit",
            w=6,
            steps=_full(s),
        ),
        Stat(
            title="Occupancy alerts",
            says="Zones whose latest occupancy alert says: over the limit.",
            queries=(Query('sum(mist_zone_occupancy_alert_state{<in_site>, state="violation"}) or vector(0)'),),
            empty=words.NO_EVENTS,
            w=6,
            steps=Steps("Red from one.", red=1),
        ),
    )


def _zones(s: Settings) -> tuple[Panel, ...]:
    return (
        Bars(
            title="Zones against their limit",
            says="The fullest zones.",
            queries=(Query("topk(15, zone:mist_zone_occupants:ratio{<in_site>})", "{{site}}: {{zone}}"),),
            empty=_EMPTY,
            unit="percentunit",
            steps=_full(s),
            w=12,
            h=9,
        ),
        Lines(
            title="People in zones",
            says="The ten fullest zones over time. A zone that is never empty, nights included, is drawn over a cupboard of devices.",
            queries=(Query("topk(10, zone:mist_zone_occupants:sum{<in_site>})", "{{site}}: {{zone}}"),),
            empty=_EMPTY,
            w=12,
            h=9,
        ),
        Table(
            title="All zones",
            says="People, limit, and how long they stayed on average.",
            queries=(
                Query("zone:mist_zone_occupants:sum{<in_site>}"),
                Query("mist_zone_occupancy_limit{<in_site>}"),
                Query("zone:mist_zone_occupants:ratio{<in_site>}"),
                Query('max by (<zone>) (mist_zone_wait_seconds{<in_site>, kind="client", statistic="average"})'),
            ),
            empty=_EMPTY,
            w=24,
            h=9,
            sort="Of the limit",
            drops=("zone_id",),
            columns=(
                Column(field="site", title="Site", link=SITE_OF_ROW),
                Column(field="zone", title="Zone"),
                Column(field="Value #A", title="People"),
                Column(field="Value #B", title="Limit"),
                Column(field="Value #C", title="Of the limit", unit="percentunit", steps=_full(s)),
                Column(field="Value #D", title="Stay", unit="dtdurations"),
                Column(field="site_id", hidden=True),
            ),
        ),
        Lines(
            title="Comings and goings",
            says="Visitors who enter and leave zones, a second. Many more than people: somebody stands on a border.",
            queries=(
                Query("sum by (trigger) (rate(mist_zone_crossings_total{<in_site>}[$__rate_interval]))", "{{trigger}}"),
            ),
            empty=words.NO_EVENTS,
            unit="ops",
            w=12,
        ),
        Lines(
            title="Stay",
            says="How long clients stay in the zones where they stay longest.",
            queries=(
                Query(
                    f'topk(10, mist_zone_wait_seconds{{<in_site>, kind="client", statistic="average"}} {_NAMED})',
                    "{{site}}: {{zone}}",
                ),
            ),
            empty=_EMPTY,
            unit="s",
            w=12,
        ),
    )


def _floors() -> tuple[Panel, ...]:
    people = 'kind=~"client|sdkclient"'
    age = "histogram_quantile(0.95, sum by (kind, le) (rate(mist_map_position_age_seconds_bucket{<in_site>}[$__rate_interval])))"
    heard = 'sum(rate(mist_map_locating_aps_bucket{<in_site>, le=~"%s"}[$__rate_interval]))'
    return (
        Bars(
            title="People on floors",
            says="Who is located on each floor now. A floor that is empty in office hours lost its positions, or its people.",
            queries=(
                Query(
                    f"topk(12, sum by (site, floor) (map:mist_map_entities:named{{<in_site>, {people}}}))",
                    "{{site}}: {{floor}}",
                ),
            ),
            empty=_NO_POSITIONS,
        ),
        Lines(
            title="On floors, by kind",
            says="Clients, users of an app, assets, and devices that only pass by.",
            queries=(Query("sum by (kind) (map:mist_map_entities:named{<in_site>})", "{{kind}}"),),
            empty=_NO_POSITIONS,
            stacked=True,
        ),
        Lines(
            title="Stay in zones",
            says="How long those who left a zone had been in it: half of them, and nine of ten. Seconds: they only pass through.",
            queries=tuple(
                Query(
                    f"histogram_quantile({share}, sum by (le) (rate(mist_zone_dwell_seconds_bucket{{<in_site>, {people}}}[$__rate_interval])))",
                    name,
                )
                for share, name in ((0.5, "half"), (0.9, "9 of 10"))
            ),
            empty=_NO_POSITIONS,
            unit="s",
        ),
        Lines(
            title="Enters and exits",
            says="How often somebody comes into a zone and leaves one, a second, computed from positions.",
            queries=(
                Query(f"sum(rate(mist_zone_enters_total{{<in_site>, {people}}}[$__rate_interval]))", "enter"),
                Query(f"sum(rate(mist_zone_exits_total{{<in_site>, {people}}}[$__rate_interval]))", "exit"),
            ),
            empty=_NO_POSITIONS,
            unit="ops",
        ),
        Lines(
            title="Age of positions",
            says="How old positions are when they arrive, nineteen of twenty. Minutes: what is shown is where people were.",
            queries=(Query(age, "{{kind}}"),),
            empty="No data because only positions by webhook (topics location...) say when they were taken",
            unit="s",
            steps=Steps("Dashed: a minute, in which one walks across a floor.", red=60),
        ),
        Lines(
            title="Guessed positions",
            says="Share of positions for which fewer than three access points heard who was located: a guess.",
            queries=(Query(f"{heard % '2([.]0)?'} / ({heard % '[+]Inf'} > 0)", "guessed"),),
            empty=_NO_POSITIONS,
            unit="percentunit",
            top=1,
            steps=Steps("Dashed: one in four; the floor lacks access points, or the map their places.", red=0.25),
        ),
    )


def _assets() -> tuple[Panel, ...]:
    empty = "No data because assets are not polled (polls.assets), or there are none"
    return (
        Lines(
            title="Assets seen",
            says="Observations of assets a second, one an asset and poll, of all sites of the organisation. A fall is batteries that end, or Bluetooth that is off.",
            queries=(Query("sum(org:mist_site_asset_observations:rate{<in_org>})", "observations"),),
            empty=empty,
            unit="ops",
        ),
        Lines(
            title="Signal of assets",
            says="The signal of the middle asset at the access point that hears it best.",
            queries=(Query("bottomk(5, org:mist_site_asset_rssi_dbm:p50{<in_org>})", "{{org}}"),),
            empty=empty,
            unit="dBm",
        ),
        Lines(
            title="Batteries",
            says="The charge that nine of ten assets exceed.",
            queries=(Query("bottomk(5, org:mist_site_asset_battery_ratio:p10{<in_org>})", "{{org}}"),),
            empty=empty,
            unit="percentunit",
            top=1,
            steps=Steps("Dashed: 20%, time to change them.", yellow=0.3, red=0.2),
        ),
    )
