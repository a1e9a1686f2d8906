"""One site: its health, its devices, its people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mist_screens import words
from mist_screens.layout import Screen, Section, to_screen
from mist_screens.panels import HEALTH, UP, Bars, Column, Lines, Query, Stat, Steps, Table, Timeline

if TYPE_CHECKING:
    from mist_screens.panels import Panel
    from mist_screens.settings import Settings


def screen(s: Settings) -> Screen:
    """Return the dashboard."""
    return Screen(
        name="site",
        title="Mist / Site",
        says="One site, or several: is it well, which device is not, do people work? Choose the site at the top.",
        sections=(
            Section("Health", _health(s)),
            Section("Devices", _devices(s)),
            Section("People and traffic", _people(s)),
        ),
    )


def _health(s: Settings) -> tuple[Panel, ...]:
    kinds = (("Access points up", "ap"), ("Switches up", "switch"), ("Gateways up", "gateway"))
    return (
        Stat(
            title="Health",
            says="The worst of the chosen sites: well, degraded (something is down), bad, dark (all is down).",
            queries=(Query("max(site:mist_site_health:state{<in_site>})"),),
            empty=words.NO_RULES,
            words=HEALTH,
            w=4,
            steps=Steps("Bad is more than <site_bad_ratio|percent> of the devices, or every gateway.", yellow=1, red=2),
        ),
        *(
            Stat(
                title=title,
                says="Share of these devices that is connected to Mist.",
                queries=(
                    Query(
                        f'sum(site:mist_device_up:sum{{<in_site>, device_type="{kind}"}}) / sum(site:mist_device_up:count{{<in_site>, device_type="{kind}"}})'
                    ),
                ),
                empty="No such device at the site",
                unit="percentunit",
                w=4,
                steps=Steps(
                    "Yellow below all, red below three in four.", yellow=1, red=1 - s.thresholds["site_bad_ratio"]
                ),
            )
            for title, kind in kinds
        ),
        Stat(
            title="Clients",
            says="Wireless clients that are connected. None in office hours is bad.",
            queries=(Query("sum(site:mist_site_clients:sum{<in_site>})"),),
            empty=words.NO_CLIENTS,
            w=4,
        ),
        Stat(
            title="Critical alarms",
            says="Alarms of Mist's that are open and critical.",
            queries=(Query('sum(site:mist_alarms_open:sum{<in_site>, severity="critical"}) or vector(0)'),),
            empty=words.NO_EVENTS,
            w=4,
            steps=Steps("Red from one.", red=1),
        ),
        Timeline(
            title="Health of each site",
            says="When it was well and when not. Look for what happened just before a change.",
            queries=(Query("topk(12, site:mist_site_health:state{<in_site>})", "{{site}}"),),
            empty=words.NO_RULES,
            words=HEALTH,
            w=24,
            h=6,
            steps=Steps("Worst sites first.", yellow=1, red=2),
        ),
    )


def _devices(s: Settings) -> tuple[Panel, ...]:
    seen = "time() - max by (org_id, site_id, mac) (mist_device_last_seen_timestamp_seconds{<in_site>})"
    return (
        Table(
            title="Devices",
            says="Every device: up or DOWN, when Mist last saw it, since when it runs. Down devices stand first.",
            queries=(
                Query(
                    "max by (org_id, site_id, mac, device, device_type, model, version, site) (mist_device_up{<in_site>} * on (<device>, device_type) group_left (device, model, version, site) device:mist_device_info:named{<in_site>})"
                ),
                Query(seen),
                Query("max by (org_id, site_id, mac) (mist_device_uptime_seconds{<in_site>})"),
            ),
            empty=words.NO_RULES,
            w=24,
            h=10,
            sort="State",
            ascending=True,
            columns=(
                Column(
                    field="device",
                    title="Device",
                    link=to_screen("access-points", site="${__data.fields.site_id}", device="${__data.fields.mac}"),
                ),
                Column(field="device_type", title="Type", width=90),
                Column(field="Value #A", title="State", words=UP, width=80),
                Column(
                    field="Value #B",
                    title="Last seen ago",
                    unit="dtdurations",
                    steps=Steps("", yellow=180, red=600),
                    width=140,
                ),
                Column(field="Value #C", title="Up for", unit="dtdurations", width=140),
                Column(field="model", title="Model"),
                Column(field="version", title="Firmware"),
                Column(field="site", title="Site"),
                Column(field="site_id", hidden=True),
                Column(field="mac", title="MAC"),
            ),
        ),
        Lines(
            title="Busiest processors",
            says="Share of processor time in use, the ten busiest devices.",
            queries=(
                Query(
                    "topk(10, mist_device_cpu_utilization_ratio{<in_site>} * on (<device>) group_left (device) device:mist_device_info:named{<in_site>})",
                    "{{device}}",
                ),
            ),
            empty=words.NOT_STREAMED,
            unit="percentunit",
            top=1,
            w=12,
            steps=Steps(
                "Dashed: <cpu_ratio|percent>; what stays above loses packets or answers.", red=s.thresholds["cpu_ratio"]
            ),
        ),
        Lines(
            title="Fullest memories",
            says="Share of memory in use, the ten fullest devices. An even rise over days is a leak.",
            queries=(
                Query(
                    "topk(10, mist_device_memory_utilization_ratio{<in_site>} * on (<device>) group_left (device) device:mist_device_info:named{<in_site>})",
                    "{{device}}",
                ),
            ),
            empty=words.NOT_STREAMED,
            unit="percentunit",
            top=1,
            w=12,
            steps=Steps("Dashed: <memory_ratio|percent>.", red=s.thresholds["memory_ratio"]),
        ),
    )


def _people(s: Settings) -> tuple[Panel, ...]:
    return (
        Lines(
            title="Clients by band",
            says="Wireless clients. A fall to nothing in office hours is bad.",
            queries=(Query("sum by (band) (site:mist_site_clients:sum{<in_site>})", "{{band}} GHz"),),
            empty=words.NO_CLIENTS,
            stacked=True,
        ),
        Bars(
            title="Service levels",
            says="Share of users' time in which the site met Mist's service levels, in their latest period.",
            queries=(Query("sort(min by (sle) (mist_site_sle_ratio{<in_site>}))", "{{sle}}"),),
            empty="No data because the topic site-sle is not configured at Mist; it is told once an hour",
            unit="percentunit",
            top=1,
            steps=Steps(
                "Red below <connect_ratio|percent>: one attempt in five spoils somebody's day.",
                yellow=0.9,
                red=s.thresholds["connect_ratio"],
            ),
        ),
        Lines(
            title="Wi-Fi traffic",
            says="What radios send and receive. Nothing in office hours is bad.",
            queries=(
                Query("sum(site:mist_ap_radio_transmit_bytes:rate{<in_site>})", "to clients"),
                Query("sum(site:mist_ap_radio_receive_bytes:rate{<in_site>})", "from clients"),
            ),
            empty=words.NO_RULES,
            unit="Bps",
        ),
        Lines(
            title="WAN traffic",
            says="What the gateways' WAN links carry. A flat top is a line that is full.",
            queries=(
                Query("sum(site:mist_gateway_wan_receive_bytes:rate{<in_site>})", "from the WAN"),
                Query("sum(site:mist_gateway_wan_transmit_bytes:rate{<in_site>})", "to the WAN"),
            ),
            empty=words.NOT_STREAMED,
            unit="Bps",
        ),
        Lines(
            title="Airtime",
            says="The radio that only one in ten exceeds, by band.",
            queries=(Query("max by (band) (site:mist_ap_radio_utilization_ratio:p90{<in_site>})", "{{band}} GHz"),),
            empty=words.NO_RULES,
            unit="percentunit",
            top=1,
            steps=Steps(
                "Dashed: <radio_busy_ratio|percent> and <radio_saturated_ratio|percent>.",
                yellow=s.thresholds["radio_busy_ratio"],
                red=s.thresholds["radio_saturated_ratio"],
            ),
        ),
        Lines(
            title="Events",
            says="Events of devices by type in the hour before. Much of one type has one cause.",
            queries=(
                Query(
                    'topk(8, sum by (type) (site:mist_webhook_events:increase{<in_site>, topic="device-events"}))',
                    "{{type}}",
                ),
            ),
            empty=words.NO_EVENTS,
        ),
    )
