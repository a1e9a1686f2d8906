"""Access points and RF: channel utilization, noise, channel plan, hardware."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mist_screens import messages
from mist_screens.layout import SITE_LINK, Dashboard, Row
from mist_screens.panels import FAULT, BarGauge, Column, Query, Stat, Table, Thresholds, TimeSeries

if TYPE_CHECKING:
    from mist_screens.panels import Panel
    from mist_screens.settings import Settings

_NAMED = "* on (<device>) group_left (device, site) device:mist_device_info:named{<in_device>}"
_BUSIEST = "topk(20, mist_ap_radio_utilization_ratio{<in_device>})"


def dashboard(s: Settings) -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        name="access-points",
        title="Mist / Access points and RF",
        description="RF conditions, channel plan and hardware of the access points. The busiest radios are listed first.",
        variables=("org", "site", "device"),
        device_type="ap",
        rows=(
            Row("Overview", _overview(s)),
            Row("RF", _rf(s)),
            Row("Channel plan", _channel_plan()),
            Row("Hardware", _hardware()),
        ),
    )


def _utilization_thresholds(s: Settings) -> Thresholds:
    note = "Up to <radio_busy_ratio|percent> there is room for bursts; above <radio_saturated_ratio|percent> latency rises steeply."
    return Thresholds(note, warning=s.thresholds["radio_busy_ratio"], critical=s.thresholds["radio_saturated_ratio"])


def _overview(s: Settings) -> tuple[Panel, ...]:
    noise = Thresholds(
        "Above <noise_dbm> dBm the highest data rates are not available.",
        warning=-85,
        critical=s.thresholds["noise_dbm"],
    )
    return (
        Stat(
            title="Access points up",
            description="Share of the selected access points that are connected to the Mist cloud.",
            queries=(
                Query(
                    'sum(mist_device_up{<in_device>, device_type="ap"}) / count(mist_device_up{<in_device>, device_type="ap"})'
                ),
            ),
            no_value=messages.NOT_STREAMED,
            unit="percentunit",
            thresholds=Thresholds("Yellow below 100%, red below 75%.", warning=1, critical=0.75),
        ),
        Stat(
            title="Radios saturated",
            description="Radios with a channel utilization above <radio_saturated_ratio|percent>.",
            queries=(
                Query("count(mist_ap_radio_utilization_ratio{<in_device>} > <radio_saturated_ratio>) or vector(0)"),
            ),
            no_value=messages.NO_RULES,
            thresholds=Thresholds("Yellow from 1, red from 5.", warning=1, critical=5),
        ),
        Stat(
            title="Radios with high noise",
            description="Radios on 5 and 6 GHz with a noise floor above <noise_dbm> dBm.",
            queries=(
                Query('count(mist_ap_radio_noise_floor_dbm{<in_device>, band!="2.4"} > <noise_dbm>) or vector(0)'),
            ),
            no_value=messages.NO_RULES,
            thresholds=Thresholds("Yellow from 1.", warning=1),
        ),
        Stat(
            title="Radar detections, 1 h",
            description="Radar (DFS) detections of the last hour. Each moves a radio to another channel.",
            queries=(
                Query('sum(site:mist_webhook_events:increase{<in_site>, type="AP_RADAR_DETECTED"}) or vector(0)'),
            ),
            no_value=messages.NO_EVENTS,
            decimals=0,
            thresholds=Thresholds("Red from <radar_events>.", warning=1, critical=s.thresholds["radar_events"]),
        ),
        Stat(
            title="Power constrained APs",
            description="Access points with insufficient PoE: radios or ports are switched off or reduced.",
            queries=(Query("sum(mist_ap_power_constrained{<in_device>}) or vector(0)"),),
            no_value=messages.NOT_STREAMED,
            thresholds=Thresholds("Yellow from 1.", warning=1),
        ),
        Stat(
            title="Clients",
            description="Clients of the selected access points, as reported by the access points.",
            queries=(Query("sum(mist_ap_clients{<in_device>})"),),
            no_value=messages.NOT_STREAMED,
        ),
        Table(
            title="Top 20 radios by channel utilization",
            description="Channel utilization with clients, noise floor, channel and transmit power of each radio.",
            queries=(
                Query(f"{_BUSIEST} {_NAMED}"),
                *(
                    Query(f"mist_ap_radio_{what}{{<in_device>}} and on (<device>, band) {_BUSIEST}")
                    for what in ("clients", "noise_floor_dbm", "channel", "transmit_power_dbm")
                ),
            ),
            no_value=messages.NOT_STREAMED,
            w=24,
            h=10,
            sort_by="Utilization",
            exclude=("radio",),
            columns=(
                Column(field="device", title="Access point"),
                Column(field="band", title="Band (GHz)", width=100),
                Column(
                    field="Value #A", title="Utilization", unit="percentunit", thresholds=_utilization_thresholds(s)
                ),
                Column(field="Value #B", title="Clients"),
                Column(field="Value #C", title="Noise floor", unit="dBm", thresholds=noise),
                Column(field="Value #D", title="Channel"),
                Column(field="Value #E", title="TX power", unit="dBm"),
                Column(field="site", title="Site", link=SITE_LINK),
                Column(field="site_id", hidden=True),
                Column(field="mac", title="MAC"),
            ),
        ),
    )


def _rf(s: Settings) -> tuple[Panel, ...]:
    return (
        TimeSeries(
            title="Channel utilization by cause",
            description="Mean channel utilization over the selected radios, by cause: own transmissions, own clients, other Wi-Fi networks, non-Wi-Fi interference. The last two can be avoided on another channel.",
            queries=(Query("avg by (cause) (mist_ap_radio_utilization_by_cause_ratio{<in_device>})", "{{cause}}"),),
            no_value=messages.NOT_STREAMED,
            unit="percentunit",
            stacked=True,
        ),
        TimeSeries(
            title="Channel utilization by band (p90)",
            description="90th percentile of radio channel utilization, by band.",
            queries=(Query("quantile by (band) (0.9, mist_ap_radio_utilization_ratio{<in_device>})", "{{band}} GHz"),),
            no_value=messages.NO_RULES,
            unit="percentunit",
            maximum=1,
            thresholds=_utilization_thresholds(s),
        ),
        TimeSeries(
            title="Noise floor by band (p90)",
            description="90th percentile of the noise floor, by band. A step on many radios at once indicates a strong interferer nearby.",
            queries=(Query("quantile by (band) (0.9, mist_ap_radio_noise_floor_dbm{<in_device>})", "{{band}} GHz"),),
            no_value=messages.NO_RULES,
            unit="dBm",
        ),
        TimeSeries(
            title="TX retry rate by band",
            description="Share of frames to clients that were retried, by band; worst site.",
            queries=(Query("max by (band) (site:mist_site_client_transmit_retries:ratio{<in_site>})", "{{band}} GHz"),),
            no_value=messages.NO_CLIENTS,
            unit="percentunit",
            thresholds=Thresholds(
                "Dashed: <retry_ratio|percent>; below 20% is normal.", critical=s.thresholds["retry_ratio"]
            ),
        ),
        TimeSeries(
            title="Traffic by band",
            description="Throughput of the radios, by band and direction.",
            queries=(
                Query(
                    "8 * sum by (band) (rate(mist_ap_radio_transmit_bytes_total{<in_device>}[$__rate_interval]))",
                    "to clients, {{band}} GHz",
                ),
                Query(
                    "8 * sum by (band) (rate(mist_ap_radio_receive_bytes_total{<in_device>}[$__rate_interval]))",
                    "from clients, {{band}} GHz",
                ),
            ),
            no_value=messages.NOT_STREAMED,
            unit="bps",
        ),
        TimeSeries(
            title="Top 10 access points by clients",
            description="Clients by access point. Above 40 clients, airtime per client is short.",
            queries=(Query(f"topk(10, mist_ap_clients{{<in_device>}}) {_NAMED}", "{{device}}"),),
            no_value=messages.NOT_STREAMED,
            thresholds=Thresholds("Dashed: 40 clients.", critical=40),
        ),
    )


def _channel_plan() -> tuple[Panel, ...]:
    return (
        BarGauge(
            title="Radios by channel, 5 GHz",
            description="Number of radios on each channel. Many radios on few channels cause co-channel interference.",
            queries=(
                Query(
                    'sort_desc(count by (channel) (count_values by (mac) ("channel", mist_ap_radio_channel{<in_device>, band="5"})))',
                    "{{channel}}",
                ),
            ),
            no_value=messages.NOT_STREAMED,
            h=9,
        ),
        BarGauge(
            title="Radios by channel, 2.4 GHz",
            description="Number of radios on each channel. Only channels 1, 6 and 11 do not overlap.",
            queries=(
                Query(
                    'sort_desc(count by (channel) (count_values by (mac) ("channel", mist_ap_radio_channel{<in_device>, band="2.4"})))',
                    "{{channel}}",
                ),
            ),
            no_value=messages.NOT_STREAMED,
            h=9,
        ),
        BarGauge(
            title="Radios by transmit power",
            description="Number of radios by transmit power. All at the maximum: too few access points; all at the minimum: too many.",
            queries=(
                Query(
                    'sort_desc(count by (power) (count_values by (mac, band) ("power", mist_ap_radio_transmit_power_dbm{<in_device>})))',
                    "{{power}} dBm",
                ),
            ),
            no_value=messages.NOT_STREAMED,
            h=9,
        ),
        TimeSeries(
            title="RRM and radar events, last 1 h",
            description="Channel and power changes by radio resource management (RRM) and radar detections, over the previous hour. Frequent changes during office hours disconnect clients.",
            queries=(
                Query(
                    'sum by (type) (site:mist_webhook_events:increase{<in_site>, type=~"AP_RRM_ACTION|AP_CONFIG_CHANGED_BY_RRM|AP_RADAR_DETECTED"})',
                    "{{type}}",
                ),
            ),
            no_value=messages.NO_EVENTS,
            w=12,
        ),
        TimeSeries(
            title="Radios by channel width",
            description="Number of radios by channel width. 80 MHz in a dense deployment leaves too few channels.",
            queries=(
                Query(
                    'count by (width) (label_replace(count_values by (mac, band) ("hertz", mist_ap_radio_bandwidth_hertz{<in_device>}), "width", "$1", "hertz", "(.*)"))',
                    "{{width}} Hz",
                ),
            ),
            no_value=messages.NOT_STREAMED,
            w=12,
            stacked=True,
        ),
    )


def _hardware() -> tuple[Panel, ...]:
    return (
        TimeSeries(
            title="Top 10 access points by temperature",
            description="CPU temperature of the access points.",
            queries=(Query(f"topk(10, mist_ap_cpu_temperature_celsius{{<in_device>}} {_NAMED})", "{{device}}"),),
            no_value=messages.NOT_STREAMED,
            unit="celsius",
            thresholds=Thresholds("Dashed: 90 °C, where throttling begins.", critical=90),
        ),
        TimeSeries(
            title="Top 10 uplink ports by receive errors",
            description="Receive errors on the wired ports. A good cable has none.",
            queries=(
                Query(
                    f"topk(10, sum by (<device>, port) (rate(mist_ap_port_receive_errors_total{{<in_device>}}[$__rate_interval]))) {_NAMED}",
                    "{{device}} {{port}}",
                ),
            ),
            no_value=messages.NOT_STREAMED,
            unit="pps",
        ),
        Table(
            title="Uplinks below 1 Gbit/s",
            description="Uplinks that negotiated less than 1 Gbit/s: check the cable and the switch port.",
            queries=(
                Query(f'8 * (mist_ap_port_speed_bytes_per_second{{<in_device>, port="eth0"}} < 125000000) {_NAMED}'),
            ),
            no_value="None: every uplink runs at 1 Gbit/s or more, or no access point reports",
            w=8,
            exclude=("device_type", "mac"),
            columns=(
                Column(field="device", title="Access point"),
                Column(field="port", title="Port"),
                Column(field="Value", title="Speed", unit="bps"),
                Column(field="site", title="Site", link=SITE_LINK),
                Column(field="site_id", hidden=True),
            ),
        ),
        Table(
            title="Power constrained access points",
            description="Access points with insufficient PoE. Check the PoE budget of the switch and the cable category.",
            queries=(
                Query(f"(mist_ap_power_constrained{{<in_device>}} == 1) {_NAMED}"),
                Query(
                    "mist_ap_power_budget_watts{<in_device>} "
                    "and on (<device>) mist_ap_power_constrained{<in_device>} == 1"
                ),
            ),
            no_value="None: every access point has sufficient power, or none reports",
            w=12,
            h=7,
            exclude=("mac",),
            columns=(
                Column(field="device", title="Access point"),
                Column(field="Value #A", title="Constrained", mappings=FAULT),
                Column(field="Value #B", title="Power surplus", unit="watt"),
                Column(field="site", title="Site", link=SITE_LINK),
                Column(field="site_id", hidden=True),
            ),
        ),
        TimeSeries(
            title="Mesh link RSSI, lowest 10",
            description="RSSI of the mesh links between access points.",
            queries=(
                Query(f"bottomk(10, mist_ap_mesh_link_rssi_dbm{{<in_device>}}) {_NAMED}", "{{device}} to {{peer}}"),
            ),
            no_value="No data: no mesh link",
            unit="dBm",
            w=12,
            h=7,
            thresholds=Thresholds("Dashed: -70 dBm; below it the data rate drops sharply.", warning=-65, critical=-70),
        ),
    )
