"""Mist Edges: do the tunnels have somewhere to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mist_screens import words
from mist_screens.layout import Screen, Section
from mist_screens.panels import RED, UP, Bars, Column, Lines, Query, Stat, Steps, Table, Words

if TYPE_CHECKING:
    from mist_screens.panels import Panel
    from mist_screens.settings import Settings

# Most Mist Edges belong to no site, so the site is no variable here.
_SEL = 'job=~"$job", instance=~"$instance", org_id=~"$org", mac=~"$device"'
_NAMED = f"* on (<device>) group_left (device, site) device:mist_device_info:named{{{_SEL}}}"
_UP = f'mist_device_up{{{_SEL}, device_type="mxedge"}}'


def screen(s: Settings) -> Screen:
    """Return the dashboard."""
    return Screen(
        name="mist-edge",
        title="Mist / Mist Edge",
        says="Do the tunnels of the access points end somewhere that is well?",
        variables=("org", "device"),
        device_type="mxedge",
        sections=(
            Section("At a glance", _glance()),
            Section("Tunnels and services", _services()),
            Section("Load and ports", _load(s)),
        ),
    )


def _glance() -> tuple[Panel, ...]:
    return (
        Stat(
            title="Mist Edges up",
            says="Share of the Mist Edges that is connected to Mist.",
            queries=(Query(f"sum({_UP}) / count({_UP})"),),
            empty=words.NOT_STREAMED,
            unit="percentunit",
            w=6,
            steps=Steps("Red below all: tunnels have moved, or are down.", yellow=1, red=0.999),
        ),
        Stat(
            title="Tunnels",
            says="Tunnels that end on the Mist Edges. A fall is access points that lost their way.",
            queries=(Query(f"sum(mist_mxedge_tunnels{{{_SEL}}})"),),
            empty=words.NOT_STREAMED,
            w=6,
        ),
        Stat(
            title="Services not running",
            says="Services that are stopped or failed.",
            queries=(Query(f'sum(mist_mxedge_service_state{{{_SEL}, state=~"stopped|failed"}}) or vector(0)'),),
            empty=words.NOT_STREAMED,
            w=6,
            steps=Steps("Red from one: the tunnels depend on it.", red=1),
        ),
        Stat(
            title="Ports down",
            says="Tunnel ports without a link.",
            queries=(Query(f"count(mist_mxedge_port_up{{{_SEL}}} == 0) or vector(0)"),),
            empty=words.NOT_STREAMED,
            w=6,
            steps=Steps("Yellow from one: the bundle carries less.", yellow=1),
        ),
    )


def _services() -> tuple[Panel, ...]:
    running = Words({0: ("no", RED), 1: ("running", "green")})
    return (
        Lines(
            title="Tunnels by Mist Edge",
            says="One that falls while another rises: a failover. All fall: the way to them.",
            queries=(Query(f"mist_mxedge_tunnels{{{_SEL}}} {_NAMED}", "{{device}}"),),
            empty=words.NOT_STREAMED,
            w=12,
            stacked=True,
        ),
        Table(
            title="Services",
            says="Whether each service runs: tunterm carries tunnels, mxagent manages, radsecproxy authenticates.",
            queries=(
                Query(f'mist_mxedge_service_state{{{_SEL}, state="running"}} {_NAMED}'),
                Query(f"mist_mxedge_service_uptime_seconds{{{_SEL}}}"),
            ),
            empty=words.NOT_STREAMED,
            w=12,
            sort="Runs",
            ascending=True,
            drops=("state", "mac", "site_id"),
            columns=(
                Column(field="device", title="Mist Edge"),
                Column(field="service", title="Service"),
                Column(field="Value #A", title="Runs", words=running),
                Column(field="Value #B", title="Up for", unit="dtdurations"),
                Column(field="site", title="Site"),
            ),
        ),
        Bars(
            title="Tunnels by state",
            says="Tunnels as REST lists them, by state. Anything but established is an access point that waits.",
            queries=(
                Query(
                    'sort_desc(sum by (state) (mist_mxtunnel_state{job=~"$job", instance=~"$instance", org_id=~"$org"}) > 0)',
                    "{{state}}",
                ),
            ),
            empty=words.NOT_POLLED,
            w=12,
        ),
        Lines(
            title="Events",
            says="Events of Mist Edges in the hour before, by type.",
            queries=(
                Query(
                    'sum by (type) (increase(mist_mxedge_events_total{job=~"$job", instance=~"$instance", org_id=~"$org"}[$__rate_interval]))',
                    "{{type}}",
                ),
            ),
            empty=words.NO_EVENTS,
            w=12,
        ),
    )


def _load(s: Settings) -> tuple[Panel, ...]:
    return (
        Lines(
            title="Processors",
            says="Share of processor time by Mist Edge.",
            queries=(
                Query(f'mist_device_cpu_utilization_ratio{{{_SEL}, device_type="mxedge"}} {_NAMED}', "{{device}}"),
            ),
            empty=words.NOT_STREAMED,
            unit="percentunit",
            top=1,
            steps=Steps("Dashed: <cpu_ratio|percent>.", red=s.thresholds["cpu_ratio"]),
        ),
        Lines(
            title="Busiest cores",
            says="The five busiest cores: one that is full carries too many tunnels alone.",
            queries=(Query(f"topk(5, mist_mxedge_core_utilization_ratio{{{_SEL}}} {_NAMED})", "{{device}} {{cpu}}"),),
            empty=words.NOT_STREAMED,
            unit="percentunit",
            top=1,
        ),
        Lines(
            title="Memory",
            says="Share of memory by Mist Edge.",
            queries=(
                Query(f'mist_device_memory_utilization_ratio{{{_SEL}, device_type="mxedge"}} {_NAMED}', "{{device}}"),
            ),
            empty=words.NOT_STREAMED,
            unit="percentunit",
            top=1,
            steps=Steps("Dashed: <memory_ratio|percent>.", red=s.thresholds["memory_ratio"]),
        ),
        Lines(
            title="Traffic of ports",
            says="Bytes that the tunnel ports receive. Two ports of a bundle that differ much: hashing, or a link that is half dead.",
            queries=(
                Query(
                    f"sum by (<device>, port) (rate(mist_mxedge_port_receive_bytes_total{{{_SEL}}}[$__rate_interval])) {_NAMED}",
                    "{{device}} {{port}}",
                ),
            ),
            empty=words.NOT_STREAMED,
            unit="Bps",
            w=12,
        ),
        Table(
            title="Ports",
            says="Every tunnel port, DOWN ones first, with its errors.",
            queries=(
                Query(f"mist_mxedge_port_up{{{_SEL}}} {_NAMED}"),
                Query(f"mist_mxedge_port_speed_bytes_per_second{{{_SEL}}}"),
            ),
            empty=words.NOT_STREAMED,
            w=12,
            sort="State",
            ascending=True,
            drops=("mac", "site_id"),
            columns=(
                Column(field="device", title="Mist Edge"),
                Column(field="port", title="Port"),
                Column(field="Value #A", title="State", words=UP),
                Column(field="Value #B", title="Speed", unit="Bps"),
                Column(field="site", title="Site"),
            ),
        ),
    )
