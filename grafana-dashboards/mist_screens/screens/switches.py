"""Switches: ports, power over Ethernet, members, temperatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mist_screens import words
from mist_screens.layout import SITE_OF_ROW, Screen, Section
from mist_screens.panels import RED, Bars, Column, Lines, Query, Stat, Steps, Table, Words

if TYPE_CHECKING:
    from mist_screens.panels import Panel
    from mist_screens.settings import Settings

_NAMED = "* on (<device>) group_left (device, site) device:mist_device_info:named{<in_device>}"
_STATE = Words({1: ("now", RED)})


def screen(s: Settings) -> Screen:
    """Return the dashboard."""
    return Screen(
        name="switches",
        title="Mist / Switches",
        says="Ports, power, members and heat of the switches. Ports are polled every five minutes: their rates cover fifteen.",
        variables=("org", "site", "device"),
        device_type="switch",
        sections=(
            Section("At a glance", _glance(s)),
            Section("Power over Ethernet", _power(s)),
            Section("Ports", _ports(s)),
            Section("Hardware", _hardware(s)),
        ),
    )


def _glance(s: Settings) -> tuple[Panel, ...]:
    ports = "sum(device:mist_switch_port_up:sum{<in_device>}) / sum(device:mist_switch_port_up:count{<in_device>})"
    return (
        Stat(
            title="Switches up",
            says="Share of the switches that is connected to Mist.",
            queries=(
                Query(
                    'sum(mist_device_up{<in_device>, device_type="switch"}) / count(mist_device_up{<in_device>, device_type="switch"})'
                ),
            ),
            empty=words.NOT_STREAMED,
            unit="percentunit",
            steps=Steps("Yellow below all, red below three in four.", yellow=1, red=0.75),
        ),
        Stat(
            title="Ports in use",
            says="Share of the ports that has a link. A fall in office hours is a switch, or a floor, that lost something.",
            queries=(Query(ports),),
            empty=words.NOT_POLLED,
            unit="percentunit",
        ),
        Stat(
            title="Ports with errors",
            says="Ports with more than <port_error_ratio|percent> damaged packets.",
            queries=(
                Query("count(port:mist_switch_port_errors:ratio{<in_device>} > <port_error_ratio>) or vector(0)"),
            ),
            empty=words.NOT_POLLED,
            steps=Steps("Yellow from one, red from five.", yellow=1, red=5),
        ),
        Stat(
            title="Fullest PoE budget",
            says="The member that gives the largest share of the power it has.",
            queries=(Query("max(module:mist_switch_poe_power_draw:ratio{<in_device>})"),),
            empty=words.NOT_STREAMED,
            unit="percentunit",
            steps=Steps(
                "From <poe_warning_ratio|percent> one more device may not start.",
                yellow=s.thresholds["poe_warning_ratio"],
                red=s.thresholds["poe_critical_ratio"],
            ),
        ),
        Stat(
            title="Members missing",
            says="Members of virtual chassis that are not connected.",
            queries=(Query('sum(mist_switch_module_status{<in_device>, state="disconnected"}) or vector(0)'),),
            empty=words.NOT_STREAMED,
            steps=Steps("Red from one: its ports are dark.", red=1),
        ),
        Stat(
            title="Hottest sensor",
            says="The highest temperature in any of the switches.",
            queries=(Query("max(mist_switch_temperature_celsius{<in_device>})"),),
            empty=words.NOT_STREAMED,
            unit="celsius",
            steps=Steps(
                "Red from <temperature_celsius> degrees: they throttle or stop between 85 and 100.",
                yellow=65,
                red=s.thresholds["temperature_celsius"],
            ),
        ),
    )


def _power(s: Settings) -> tuple[Panel, ...]:
    steps = Steps(
        "Yellow from <poe_warning_ratio|percent>, red from <poe_critical_ratio|percent>: the next device switches another one off.",
        yellow=s.thresholds["poe_warning_ratio"],
        red=s.thresholds["poe_critical_ratio"],
    )
    return (
        Bars(
            title="PoE budget in use",
            says="Share of the power for ports that each member gives, the fullest first.",
            queries=(
                Query("topk(12, module:mist_switch_poe_power_draw:ratio{<in_device>})", "{{device}} member {{module}}"),
            ),
            empty=words.NOT_STREAMED,
            unit="percentunit",
            top=1,
            steps=steps,
            w=12,
        ),
        Lines(
            title="Power given to ports",
            says="Watts by switch, the ten largest. A step downwards is a device that went dark.",
            queries=(
                Query(
                    f"topk(10, sum by (<device>) (mist_switch_module_poe_power_draw_watts{{<in_device>}}) {_NAMED})",
                    "{{device}}",
                ),
            ),
            empty=words.NOT_STREAMED,
            unit="watt",
            w=12,
        ),
        Table(
            title="Ports that draw most",
            says="The twenty ports that take most power. A camera that takes 30 W is broken.",
            queries=(Query(f"topk(20, mist_switch_port_poe_power_draw_watts{{<in_device>}} > 0) {_NAMED}"),),
            empty=words.NOT_POLLED,
            w=24,
            h=8,
            sort="Power",
            columns=(
                Column(field="device", title="Switch"),
                Column(field="port_id", title="Port"),
                Column(field="Value", title="Power", unit="watt"),
                Column(field="site", title="Site", link=SITE_OF_ROW),
                Column(field="site_id", hidden=True),
                Column(field="mac", title="MAC"),
            ),
        ),
    )


def _ports(s: Settings) -> tuple[Panel, ...]:
    errors = Steps("Dashed: one packet in a thousand, from where TCP suffers.", red=s.thresholds["port_error_ratio"])
    return (
        Lines(
            title="Traffic by switch",
            says="Bytes on all ports of a switch, the five largest. Twice as much as ever on all of them is a loop.",
            queries=(
                Query("topk(5, device:mist_switch_port_receive_bytes:rate{<in_device>})", "{{device}} receives"),
                Query("topk(5, device:mist_switch_port_transmit_bytes:rate{<in_device>})", "{{device}} sends"),
            ),
            empty=words.NOT_POLLED,
            unit="Bps",
        ),
        Lines(
            title="Worst ports by errors",
            says="Share of packets with errors, the ten worst ports.",
            queries=(Query("topk(10, port:mist_switch_port_errors:ratio{<in_device>} > 0)", "{{device}} {{port_id}}"),),
            empty="No data because no port has errors, or ports are not polled",
            unit="percentunit",
            steps=errors,
        ),
        Lines(
            title="Broadcast received",
            says="Broadcast packets a second, the ten worst switches. A storm shows here first.",
            queries=(
                Query(
                    "topk(10, device:mist_switch_port_receive_broadcast_packets:rate{<in_device>})",
                    "{{device}}",
                ),
            ),
            empty=words.NOT_POLLED,
            unit="pps",
        ),
        Table(
            title="Ports that flapped last",
            says="Links that went up or down in the last hour. Users' ports do so in the morning; uplinks never should.",
            queries=(
                Query(
                    f"topk(25, time() - (mist_switch_port_last_flap_timestamp_seconds{{<in_device>}} > 0) < 3600) {_NAMED}"
                ),
                Query("mist_switch_port_up{<in_device>}"),
                Query("mist_switch_port_uplink{<in_device>}"),
            ),
            empty="None in the last hour, or ports are not polled",
            w=14,
            sort="Ago",
            ascending=True,
            columns=(
                Column(field="device", title="Switch"),
                Column(field="port_id", title="Port"),
                Column(field="Value #A", title="Ago", unit="dtdurations"),
                Column(field="Value #B", title="Link", words=Words({0: ("down", RED), 1: ("up", "green")})),
                Column(field="Value #C", title="Uplink", words=Words({0: ("", "text"), 1: ("UPLINK", RED)})),
                Column(field="site", title="Site", link=SITE_OF_ROW),
                Column(field="site_id", hidden=True),
                Column(field="mac", hidden=True),
            ),
        ),
        Bars(
            title="Ports by spanning tree",
            says="Ports by their state in the spanning tree. Blocking ones are redundant links; many that learn or listen is unrest.",
            queries=(Query("sort_desc(sum by (state) (mist_switch_port_stp_state{<in_device>}) > 0)", "{{state}}"),),
            empty=words.NOT_POLLED,
            w=10,
        ),
    )


def _hardware(s: Settings) -> tuple[Panel, ...]:
    hot = Steps("Dashed: <temperature_celsius> degrees.", red=s.thresholds["temperature_celsius"])
    return (
        Lines(
            title="Hottest switches",
            says="The hottest sensor of a switch, the ten hottest.",
            queries=(
                Query(
                    f"topk(10, max by (<device>) (mist_switch_temperature_celsius{{<in_device>}}) {_NAMED})",
                    "{{device}}",
                ),
            ),
            empty=words.NOT_STREAMED,
            unit="celsius",
            steps=hot,
        ),
        Lines(
            title="Processors",
            says="Share of processor time, the ten busiest switches. A loop or a storm shows as interrupts.",
            queries=(
                Query(
                    f'topk(10, mist_device_cpu_utilization_ratio{{<in_device>, device_type="switch"}} {_NAMED})',
                    "{{device}}",
                ),
            ),
            empty=words.NOT_STREAMED,
            unit="percentunit",
            top=1,
            steps=Steps("Dashed: <cpu_ratio|percent>.", red=s.thresholds["cpu_ratio"]),
        ),
        Lines(
            title="MAC tables",
            says="Share of the MAC table in use. A full table floods.",
            queries=(
                Query(
                    "topk(10, mist_switch_mac_entries{<in_device>} / (mist_switch_mac_entries_limit{<in_device>} > 0))",
                    "{{mac}}",
                ),
            ),
            empty=words.NOT_STREAMED,
            unit="percentunit",
            steps=Steps("Dashed: 80%, from where a full table is near.", red=0.8),
        ),
        Table(
            title="Parts that failed",
            says="Power supplies and fans that are there and do not work.",
            queries=(
                Query(f'(mist_switch_power_supply_status{{<in_device>, state="failed"}} == 1) {_NAMED}'),
                Query(f'(mist_switch_fan_status{{<in_device>, state="failed"}} == 1) {_NAMED}'),
            ),
            empty="None, or no switch tells of its parts",
            w=12,
            drops=("state", "mac", "device_type"),
            columns=(
                Column(field="device", title="Switch"),
                Column(field="module", title="Member", width=80),
                Column(field="power_supply", title="Power supply"),
                Column(field="fan", title="Fan"),
                Column(field="Value #A", title="Supply failed", words=_STATE),
                Column(field="Value #B", title="Fan failed", words=_STATE),
                Column(field="site", title="Site", link=SITE_OF_ROW),
                Column(field="site_id", hidden=True),
            ),
        ),
        Table(
            title="Members of virtual chassis",
            says="Every member with its role. Two masters is a chassis that split; a member without a role is missing.",
            queries=(
                Query(f"(mist_switch_module_vc_role{{<in_device>}} == 1) {_NAMED}"),
                Query("mist_switch_module_uptime_seconds{<in_device>}"),
            ),
            empty=words.NOT_STREAMED,
            w=12,
            drops=("Value #A", "mac", "device_type"),
            sort="Switch",
            ascending=True,
            columns=(
                Column(field="device", title="Switch"),
                Column(field="module", title="Member", width=80),
                Column(field="role", title="Role"),
                Column(field="Value #B", title="Up for", unit="dtdurations"),
                Column(field="site", title="Site", link=SITE_OF_ROW),
                Column(field="site_id", hidden=True),
            ),
        ),
    )
