"""Access points and the air: who uses it, how noisy it is, which radios are worst."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mist_screens import words
from mist_screens.layout import SITE_OF_ROW, Screen, Section
from mist_screens.panels import YES, Bars, Column, Lines, Query, Stat, Steps, Table

if TYPE_CHECKING:
    from mist_screens.panels import Panel
    from mist_screens.settings import Settings

_NAMED = "* on (<device>) group_left (device, site) device:mist_device_info:named{<in_device>}"
_BUSIEST = "topk(20, mist_ap_radio_utilization_ratio{<in_device>})"


def screen(s: Settings) -> Screen:
    """Return the dashboard."""
    return Screen(
        name="access-points",
        title="Mist / Access points and RF",
        says="Is the air free, is it quiet, and do the radios do what the plan says? The worst radios stand at the top.",
        variables=("org", "site", "device"),
        device_type="ap",
        sections=(
            Section("At a glance", _glance(s)),
            Section("The air", _air(s)),
            Section("The plan", _plan()),
            Section("The boxes", _boxes()),
        ),
    )


def _busy(s: Settings) -> Steps:
    why = (
        "<radio_busy_ratio|percent> leaves room for a burst; beyond <radio_saturated_ratio|percent> latency grows fast."
    )
    return Steps(why, yellow=s.thresholds["radio_busy_ratio"], red=s.thresholds["radio_saturated_ratio"])


def _glance(s: Settings) -> tuple[Panel, ...]:
    noise = Steps("Above <noise_dbm> dBm the highest rates are gone.", yellow=-85, red=s.thresholds["noise_dbm"])
    return (
        Stat(
            title="Access points up",
            says="Access points that are connected to Mist, of the chosen ones.",
            queries=(
                Query(
                    'sum(mist_device_up{<in_device>, device_type="ap"}) / count(mist_device_up{<in_device>, device_type="ap"})'
                ),
            ),
            empty=words.NOT_STREAMED,
            unit="percentunit",
            steps=Steps("Yellow below all, red below three in four.", yellow=1, red=0.75),
        ),
        Stat(
            title="Radios saturated",
            says="Radios with more than <radio_saturated_ratio|percent> of the airtime in use.",
            queries=(
                Query("count(mist_ap_radio_utilization_ratio{<in_device>} > <radio_saturated_ratio>) or vector(0)"),
            ),
            empty=words.NO_RULES,
            steps=Steps("Yellow from one, red from five.", yellow=1, red=5),
        ),
        Stat(
            title="Radios in noise",
            says="Radios on 5 and 6 GHz that hear more than <noise_dbm> dBm of noise.",
            queries=(
                Query('count(mist_ap_radio_noise_floor_dbm{<in_device>, band!="2.4"} > <noise_dbm>) or vector(0)'),
            ),
            empty=words.NO_RULES,
            steps=Steps("Yellow from one.", yellow=1),
        ),
        Stat(
            title="Radar in the last hour",
            says="Radar detections: each moves a radio to another channel.",
            queries=(
                Query('sum(site:mist_webhook_events:increase{<in_site>, type="AP_RADAR_DETECTED"}) or vector(0)'),
            ),
            empty=words.NO_EVENTS,
            decimals=0,
            steps=Steps(
                "Red from <radar_events>: a storm moves the channel plan.", yellow=1, red=s.thresholds["radar_events"]
            ),
        ),
        Stat(
            title="Short of power",
            says="Access points that get less power than they want: they switch radios or ports off.",
            queries=(Query("sum(mist_ap_power_constrained{<in_device>}) or vector(0)"),),
            empty=words.NOT_STREAMED,
            steps=Steps("Yellow from one.", yellow=1),
        ),
        Stat(
            title="Clients",
            says="Clients on these access points, as they count them.",
            queries=(Query("sum(mist_ap_clients{<in_device>})"),),
            empty=words.NOT_STREAMED,
        ),
        Table(
            title="Busiest radios",
            says="The twenty radios with the most airtime in use, with their clients, noise, channel and power.",
            queries=(
                Query(f"{_BUSIEST} {_NAMED}"),
                *(
                    Query(f"mist_ap_radio_{what}{{<in_device>}} and on (<device>, band) {_BUSIEST}")
                    for what in ("clients", "noise_floor_dbm", "channel", "transmit_power_dbm")
                ),
            ),
            empty=words.NOT_STREAMED,
            w=24,
            h=10,
            sort="Airtime",
            drops=("radio",),
            columns=(
                Column(field="device", title="Access point"),
                Column(field="band", title="GHz", width=70),
                Column(field="Value #A", title="Airtime", unit="percentunit", steps=_busy(s)),
                Column(field="Value #B", title="Clients"),
                Column(field="Value #C", title="Noise", unit="dBm", steps=noise),
                Column(field="Value #D", title="Channel"),
                Column(field="Value #E", title="Power", unit="dBm"),
                Column(field="site", title="Site", link=SITE_OF_ROW),
                Column(field="site_id", hidden=True),
                Column(field="mac", title="MAC"),
            ),
        ),
    )


def _air(s: Settings) -> tuple[Panel, ...]:
    return (
        Lines(
            title="Airtime by cause",
            says="What fills the air, on average over the chosen radios: own sending, own clients, foreign networks, what is no Wi-Fi. Foreign networks and noise are what another channel may heal.",
            queries=(Query("avg by (cause) (mist_ap_radio_utilization_by_cause_ratio{<in_device>})", "{{cause}}"),),
            empty=words.NOT_STREAMED,
            unit="percentunit",
            stacked=True,
        ),
        Lines(
            title="Airtime by band",
            says="The radio that only one in ten exceeds, by band.",
            queries=(Query("quantile by (band) (0.9, mist_ap_radio_utilization_ratio{<in_device>})", "{{band}} GHz"),),
            empty=words.NO_RULES,
            unit="percentunit",
            top=1,
            steps=_busy(s),
        ),
        Lines(
            title="Noise by band",
            says="The noise floor that only one radio in ten exceeds, by band. A step on many radios at once is a strong source nearby.",
            queries=(Query("quantile by (band) (0.9, mist_ap_radio_noise_floor_dbm{<in_device>})", "{{band}} GHz"),),
            empty=words.NO_RULES,
            unit="dBm",
        ),
        Lines(
            title="Frames sent again",
            says="Share of frames to clients that had to be sent more than once, by band.",
            queries=(Query("max by (band) (site:mist_site_client_transmit_retries:ratio{<in_site>})", "{{band}} GHz"),),
            empty=words.NO_CLIENTS,
            unit="percentunit",
            steps=Steps(
                "Dashed: <retry_ratio|percent>; a healthy cell stays below a fifth.", red=s.thresholds["retry_ratio"]
            ),
        ),
        Lines(
            title="Traffic by band",
            says="What the radios send and receive.",
            queries=(
                Query(
                    "sum by (band) (rate(mist_ap_radio_transmit_bytes_total{<in_device>}[$__rate_interval]))",
                    "to clients, {{band}} GHz",
                ),
                Query(
                    "sum by (band) (rate(mist_ap_radio_receive_bytes_total{<in_device>}[$__rate_interval]))",
                    "from clients, {{band}} GHz",
                ),
            ),
            empty=words.NOT_STREAMED,
            unit="Bps",
        ),
        Lines(
            title="Clients on the fullest access points",
            says="Clients by access point, the ten fullest. More than forty on one is too many.",
            queries=(Query(f"topk(10, mist_ap_clients{{<in_device>}}) {_NAMED}", "{{device}}"),),
            empty=words.NOT_STREAMED,
            steps=Steps("Dashed: 40, from where airtime for each is short.", red=40),
        ),
    )


def _plan() -> tuple[Panel, ...]:
    return (
        Bars(
            title="Radios by channel, 5 GHz",
            says="How many radios share a channel. Few channels with many radios each is bad.",
            queries=(
                Query(
                    'sort_desc(count by (channel) (count_values by (mac) ("channel", mist_ap_radio_channel{<in_device>, band="5"})))',
                    "{{channel}}",
                ),
            ),
            empty=words.NOT_STREAMED,
            h=9,
        ),
        Bars(
            title="Radios by channel, 2.4 GHz",
            says="As for 5 GHz; only channels 1, 6 and 11 do not overlap.",
            queries=(
                Query(
                    'sort_desc(count by (channel) (count_values by (mac) ("channel", mist_ap_radio_channel{<in_device>, band="2.4"})))',
                    "{{channel}}",
                ),
            ),
            empty=words.NOT_STREAMED,
            h=9,
        ),
        Bars(
            title="Radios by power",
            says="How many radios send with how much power. All at the highest: too few cells; all at the lowest: too many.",
            queries=(
                Query(
                    'sort_desc(count by (power) (count_values by (mac, band) ("power", mist_ap_radio_transmit_power_dbm{<in_device>})))',
                    "{{power}} dBm",
                ),
            ),
            empty=words.NOT_STREAMED,
            h=9,
        ),
        Lines(
            title="Radio resource management",
            says="How often the plan changed channels or power, and how often radar did, in the hour before. Many changes in office hours cut clients off.",
            queries=(
                Query(
                    'sum by (type) (site:mist_webhook_events:increase{<in_site>, type=~"AP_RRM_ACTION|AP_CONFIG_CHANGED_BY_RRM|AP_RADAR_DETECTED"})',
                    "{{type}}",
                ),
            ),
            empty=words.NO_EVENTS,
            w=12,
        ),
        Lines(
            title="Radios by width",
            says="How many radios use which width. 80 MHz in a dense house leaves too few channels.",
            queries=(
                Query(
                    'count by (width) (label_replace(count_values by (mac, band) ("hertz", mist_ap_radio_bandwidth_hertz{<in_device>}), "width", "$1", "hertz", "(.*)"))',
                    "{{width}} Hz",
                ),
            ),
            empty=words.NOT_STREAMED,
            w=12,
            stacked=True,
        ),
    )


def _boxes() -> tuple[Panel, ...]:
    return (
        Lines(
            title="Warmest access points",
            says="Temperature of the processor, the ten warmest.",
            queries=(Query(f"topk(10, mist_ap_cpu_temperature_celsius{{<in_device>}} {_NAMED})", "{{device}}"),),
            empty=words.NOT_STREAMED,
            unit="celsius",
            steps=Steps("Dashed: 90 degrees, where they begin to throttle.", red=90),
        ),
        Lines(
            title="Errors on uplinks",
            says="Errors received on the cable, the ten worst ports. A healthy cable has none.",
            queries=(
                Query(
                    "topk(10, sum by (mac, port) (rate(mist_ap_port_receive_errors_total{<in_device>}[$__rate_interval])))",
                    "{{mac}} {{port}}",
                ),
            ),
            empty=words.NOT_STREAMED,
            unit="pps",
        ),
        Table(
            title="Access points with a cable below 1 Gbit/s",
            says="Uplinks that came up slower than they could: a bad cable, or a port that negotiated badly.",
            queries=(Query(f'(mist_ap_port_speed_bytes_per_second{{<in_device>, port="eth0"}} < 125000000) {_NAMED}'),),
            empty="None: every uplink is fast enough, or no access point speaks",
            w=8,
            drops=("device_type", "mac"),
            columns=(
                Column(field="device", title="Access point"),
                Column(field="port", title="Port"),
                Column(field="Value", title="Speed", unit="Bps"),
                Column(field="site", title="Site", link=SITE_OF_ROW),
                Column(field="site_id", hidden=True),
            ),
        ),
        Table(
            title="Access points short of power",
            says="They got less power than they asked for. Look at the switch's budget and the cable's category.",
            queries=(
                Query(f"(mist_ap_power_constrained{{<in_device>}} == 1) {_NAMED}"),
                Query(
                    "mist_ap_power_budget_watts{<in_device>} "
                    "and on (<device>) mist_ap_power_constrained{<in_device>} == 1"
                ),
            ),
            empty="None: every access point has the power it wants, or none speaks",
            w=12,
            h=7,
            drops=("mac",),
            columns=(
                Column(field="device", title="Access point"),
                Column(field="Value #A", title="Short", words=YES),
                Column(field="Value #B", title="Left of its budget", unit="watt"),
                Column(field="site", title="Site", link=SITE_OF_ROW),
                Column(field="site_id", hidden=True),
            ),
        ),
        Lines(
            title="Mesh links",
            says="Signal of the links between access points, the weakest ten.",
            queries=(Query("bottomk(10, mist_ap_mesh_link_rssi_dbm{<in_device>})", "{{mac}} to {{peer}}"),),
            empty="No data because no access point here is meshed",
            unit="dBm",
            w=12,
            h=7,
            steps=Steps("Dashed: below -70 dBm a mesh link loses most of its rate.", yellow=-65, red=-70),
        ),
    )
