"""Switches: ports, PoE, virtual chassis members, hardware."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mist_screens import messages
from mist_screens.layout import SITE_LINK, Dashboard, Row
from mist_screens.panels import RED, BarGauge, Column, Query, Stat, Table, Thresholds, TimeSeries, ValueMappings

if TYPE_CHECKING:
    from mist_screens.panels import Panel
    from mist_screens.settings import Settings

_NAMED = "* on (<device>) group_left (device, site) device:mist_device_info:named{<in_device>}"
_FLAPPED = "(time() - (mist_switch_port_last_flap_timestamp_seconds{<in_device>} > 0) < 3600)"
_FAILED = ValueMappings({1: ("FAILED", RED)})


def dashboard(s: Settings) -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        name="switches",
        title="Mist / Switches",
        description="Ports, PoE, virtual chassis and hardware of the switches. Ports are polled every 5 minutes; their rates are over <poll_rate>.",
        variables=("org", "site", "device"),
        device_type="switch",
        rows=(
            Row("Overview", _overview(s)),
            Row("PoE", _power(s)),
            Row("Ports", _ports(s)),
            Row("Hardware", _hardware(s)),
        ),
    )


def _overview(s: Settings) -> tuple[Panel, ...]:
    ports = "sum(device:mist_switch_port_up:sum{<in_device>}) / sum(device:mist_switch_port_up:count{<in_device>})"
    return (
        Stat(
            title="Switches up",
            description="Share of the switches that are connected to the Mist cloud.",
            queries=(
                Query(
                    'sum(mist_device_up{<in_device>, device_type="switch"}) / count(mist_device_up{<in_device>, device_type="switch"})'
                ),
            ),
            no_value=messages.NOT_STREAMED,
            unit="percentunit",
            thresholds=Thresholds("Yellow below 100%, red below 75%.", warning=1, critical=0.75),
        ),
        Stat(
            title="Ports up",
            description="Share of the switch ports with a link. A drop during office hours indicates a failed switch or access layer.",
            queries=(Query(ports),),
            no_value=messages.NOT_POLLED,
            unit="percentunit",
        ),
        Stat(
            title="Ports with errors",
            description="Ports with an error rate above <port_error_ratio|percent> of packets.",
            queries=(
                Query("count(port:mist_switch_port_errors:ratio{<in_device>} > <port_error_ratio>) or vector(0)"),
            ),
            no_value=messages.NOT_POLLED,
            thresholds=Thresholds("Yellow from 1, red from 5.", warning=1, critical=5),
        ),
        Stat(
            title="Highest PoE utilization",
            description="Highest PoE utilization of any member: power drawn over power budget.",
            queries=(Query("max(module:mist_switch_poe_power_draw:ratio{<in_device>})"),),
            no_value=messages.NOT_STREAMED,
            unit="percentunit",
            thresholds=Thresholds(
                "Red from <poe_critical_ratio|percent>; from <poe_warning_ratio|percent> the next device may get no power.",
                warning=s.thresholds["poe_warning_ratio"],
                critical=s.thresholds["poe_critical_ratio"],
            ),
        ),
        Stat(
            title="Missing VC members",
            description="Virtual chassis (VC) members that are disconnected.",
            queries=(Query('sum(mist_switch_module_status{<in_device>, state="disconnected"}) or vector(0)'),),
            no_value=messages.NOT_STREAMED,
            thresholds=Thresholds("Red from 1: the ports of the member are down.", critical=1),
        ),
        Stat(
            title="Highest temperature",
            description="Highest temperature of any sensor.",
            queries=(Query("max(mist_switch_temperature_celsius{<in_device>})"),),
            no_value=messages.NOT_STREAMED,
            unit="celsius",
            thresholds=Thresholds(
                "Red from <temperature_celsius> °C; switches throttle or shut down between 85 and 100 °C.",
                warning=65,
                critical=s.thresholds["temperature_celsius"],
            ),
        ),
    )


def _power(s: Settings) -> tuple[Panel, ...]:
    steps = Thresholds(
        "Yellow from <poe_warning_ratio|percent>, red from <poe_critical_ratio|percent>: the switch powers off low-priority ports.",
        warning=s.thresholds["poe_warning_ratio"],
        critical=s.thresholds["poe_critical_ratio"],
    )
    return (
        BarGauge(
            title="Top 12 members by PoE utilization",
            description="Power drawn over power budget of each member.",
            queries=(
                Query("topk(12, module:mist_switch_poe_power_draw:ratio{<in_device>})", "{{device}} member {{module}}"),
            ),
            no_value=messages.NOT_STREAMED,
            unit="percentunit",
            maximum=1,
            thresholds=steps,
            w=12,
        ),
        TimeSeries(
            title="Top 10 switches by PoE power draw",
            description="PoE power draw by switch. A step down is a device that lost power.",
            queries=(
                Query(
                    f"topk(10, sum by (<device>) (mist_switch_module_poe_power_draw_watts{{<in_device>}}) {_NAMED})",
                    "{{device}}",
                ),
            ),
            no_value=messages.NOT_STREAMED,
            unit="watt",
            w=12,
        ),
        Table(
            title="Top 20 ports by PoE power draw",
            description="Ports with the highest PoE power draw. Compare with the rated power of the connected device.",
            queries=(Query(f"topk(20, mist_switch_port_poe_power_draw_watts{{<in_device>}} > 0) {_NAMED}"),),
            no_value=messages.NOT_POLLED,
            w=24,
            h=8,
            sort_by="Power",
            columns=(
                Column(field="device", title="Switch"),
                Column(field="port_id", title="Port"),
                Column(field="Value", title="Power", unit="watt"),
                Column(field="site", title="Site", link=SITE_LINK),
                Column(field="site_id", hidden=True),
                Column(field="mac", title="MAC"),
            ),
        ),
    )


def _ports(s: Settings) -> tuple[Panel, ...]:
    errors = Thresholds(
        "Dashed: <port_error_ratio|percent>, where TCP throughput begins to drop.",
        critical=s.thresholds["port_error_ratio"],
    )
    return (
        TimeSeries(
            title="Top 5 switches by traffic",
            description="Throughput over all ports of a switch. A sudden increase on all switches indicates a loop.",
            queries=(
                Query("8 * topk(5, device:mist_switch_port_receive_bytes:rate{<in_device>})", "{{device}} received"),
                Query("8 * topk(5, device:mist_switch_port_transmit_bytes:rate{<in_device>})", "{{device}} sent"),
            ),
            no_value=messages.NOT_POLLED,
            unit="bps",
            w=12,
        ),
        TimeSeries(
            title="Top 10 ports by link utilization",
            description="Throughput in percent of the link speed, by port and direction, as sampled by the switch.",
            queries=tuple(
                Query(
                    f"topk(10, mist_switch_port_{direction}_bytes_per_second{{<in_device>}} / (mist_switch_port_speed_bytes_per_second{{<in_device>}} > 0)) {_NAMED}",
                    f"{{{{device}}}} {{{{port_id}}}} {name}",
                )
                for direction, name in (("receive", "received"), ("transmit", "sent"))
            ),
            no_value=messages.NOT_POLLED,
            unit="percentunit",
            maximum=1,
            w=12,
        ),
        TimeSeries(
            title="Top 10 ports by error rate",
            description="Share of packets with errors, by port.",
            queries=(Query("topk(10, port:mist_switch_port_errors:ratio{<in_device>} > 0)", "{{device}} {{port_id}}"),),
            no_value="No data: no port has errors, or ports are not polled (polls.ports)",
            unit="percentunit",
            thresholds=errors,
            w=12,
        ),
        TimeSeries(
            title="Top 10 switches by broadcast rate",
            description="Received broadcast packets per second. A broadcast storm shows here first.",
            queries=(
                Query(
                    "topk(10, device:mist_switch_port_receive_broadcast_packets:rate{<in_device>})",
                    "{{device}}",
                ),
            ),
            no_value=messages.NOT_POLLED,
            unit="pps",
            w=12,
        ),
        Table(
            title="Port flaps, last 1 h",
            description="Ports with a link change in the last hour. Access ports change at the start of the day; uplinks should not.",
            queries=(
                Query(f"topk(25, {_FLAPPED}) {_NAMED}"),
                *(
                    Query(f"mist_switch_port_{what}{{<in_device>}} and on (<device>, port_id) {_FLAPPED}")
                    for what in ("up", "uplink")
                ),
            ),
            no_value="None in the last hour, or ports are not polled (polls.ports)",
            w=14,
            sort_by="Time since flap",
            ascending=True,
            columns=(
                Column(field="device", title="Switch"),
                Column(field="port_id", title="Port"),
                Column(field="Value #A", title="Time since flap", unit="dtdurations"),
                Column(field="Value #B", title="Link", mappings=ValueMappings({0: ("down", RED), 1: ("up", "green")})),
                Column(field="Value #C", title="Uplink", mappings=ValueMappings({0: ("", "text"), 1: ("UPLINK", RED)})),
                Column(field="site", title="Site", link=SITE_LINK),
                Column(field="site_id", hidden=True),
                Column(field="mac", hidden=True),
            ),
        ),
        BarGauge(
            title="Ports by STP state",
            description="Ports by spanning tree (STP) state. Blocking ports are redundant links; many ports in learning or listening indicate topology changes.",
            queries=(Query("sort_desc(sum by (state) (mist_switch_port_stp_state{<in_device>}) > 0)", "{{state}}"),),
            no_value=messages.NOT_POLLED,
            w=10,
        ),
    )


def _hardware(s: Settings) -> tuple[Panel, ...]:
    temperature = Thresholds("Dashed: <temperature_celsius> °C.", critical=s.thresholds["temperature_celsius"])
    return (
        TimeSeries(
            title="Top 10 switches by temperature",
            description="Highest temperature of any sensor, by switch.",
            queries=(
                Query(
                    f"topk(10, max by (<device>) (mist_switch_temperature_celsius{{<in_device>}}) {_NAMED})",
                    "{{device}}",
                ),
            ),
            no_value=messages.NOT_STREAMED,
            unit="celsius",
            thresholds=temperature,
        ),
        TimeSeries(
            title="Top 10 switches by CPU utilization",
            description="CPU utilization. Loops and broadcast storms show as interrupt load.",
            queries=(
                Query(
                    f'topk(10, mist_device_cpu_utilization_ratio{{<in_device>, device_type="switch"}} {_NAMED})',
                    "{{device}}",
                ),
            ),
            no_value=messages.NOT_STREAMED,
            unit="percentunit",
            maximum=1,
            thresholds=Thresholds("Dashed: <cpu_ratio|percent>.", critical=s.thresholds["cpu_ratio"]),
        ),
        TimeSeries(
            title="Top 10 switches by MAC table use",
            description="Share of the MAC table in use. With a full table, unknown unicast is flooded.",
            queries=(
                Query(
                    f"topk(10, mist_switch_mac_entries{{<in_device>}} / (mist_switch_mac_entries_limit{{<in_device>}} > 0)) {_NAMED}",
                    "{{device}}",
                ),
            ),
            no_value=messages.NOT_STREAMED,
            unit="percentunit",
            thresholds=Thresholds("Dashed: 80%.", critical=0.8),
        ),
        Table(
            title="Failed PSUs and fans",
            description="Power supply units (PSU) and fans that are present and failed.",
            queries=(
                Query(f'(mist_switch_power_supply_status{{<in_device>, state="failed"}} == 1) {_NAMED}'),
                Query(f'(mist_switch_fan_status{{<in_device>, state="failed"}} == 1) {_NAMED}'),
            ),
            no_value="None, or no switch reports its hardware",
            w=12,
            exclude=("state", "mac", "device_type"),
            columns=(
                Column(field="device", title="Switch"),
                Column(field="module", title="Member", width=80),
                Column(field="power_supply", title="PSU"),
                Column(field="fan", title="Fan"),
                Column(field="Value #A", title="PSU state", mappings=_FAILED),
                Column(field="Value #B", title="Fan state", mappings=_FAILED),
                Column(field="site", title="Site", link=SITE_LINK),
                Column(field="site_id", hidden=True),
            ),
        ),
        Table(
            title="Virtual chassis members",
            description="Members with their VC role. Two masters indicate a split virtual chassis.",
            queries=(
                Query(f"(mist_switch_module_vc_role{{<in_device>}} == 1) {_NAMED}"),
                Query("mist_switch_module_uptime_seconds{<in_device>}"),
            ),
            no_value=messages.NOT_STREAMED,
            w=12,
            exclude=("Value #A", "mac", "device_type"),
            sort_by="Switch",
            ascending=True,
            columns=(
                Column(field="device", title="Switch"),
                Column(field="module", title="Member", width=80),
                Column(field="role", title="Role"),
                Column(field="Value #B", title="Uptime", unit="dtdurations"),
                Column(field="site", title="Site", link=SITE_LINK),
                Column(field="site_id", hidden=True),
            ),
        ),
    )
