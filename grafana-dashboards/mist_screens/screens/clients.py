"""Clients: how many, how well they hear, whether they get in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mist_screens import words
from mist_screens.layout import SITE_OF_ROW, Screen, Section
from mist_screens.panels import Bars, Column, Lines, Query, Stat, Steps, Table

if TYPE_CHECKING:
    from mist_screens.panels import Panel
    from mist_screens.settings import Settings


def screen(s: Settings) -> Screen:
    """Return the dashboard."""
    return Screen(
        name="clients",
        title="Mist / Clients",
        says="How many people are there, how well do they hear, and do they get in? No single person is shown.",
        sections=(
            Section("At a glance", _glance(s)),
            Section("Who is there", _there()),
            Section("How well", _well(s)),
            Section("Getting in", _in(s)),
        ),
    )


def _denied() -> str:
    decisions = 'sum(site:mist_nac_decisions:increase{<in_site>, type=~"%s"})'
    return f"{decisions % 'NAC_CLIENT_DENY'} / ({decisions % 'NAC_CLIENT_(PERMIT|DENY)'} > 0)"


def _glance(s: Settings) -> tuple[Panel, ...]:
    return (
        Stat(
            title="Clients",
            says="Wireless clients that are connected.",
            queries=(Query("sum(site:mist_site_clients:sum{<in_site>})"),),
            empty=words.NO_CLIENTS,
        ),
        Stat(
            title="Weak tenth, 5 GHz",
            says="The signal that nine of ten clients on 5 GHz exceed.",
            queries=(Query('min(site:mist_site_client_rssi_dbm:p10{<in_site>, band="5"})'),),
            empty=words.NO_CLIENTS,
            unit="dBm",
            decimals=0,
            steps=Steps("Red below <rssi_dbm> dBm, where voice breaks.", yellow=-70, red=s.thresholds["rssi_dbm"]),
        ),
        Stat(
            title="Sent again",
            says="Share of frames to clients that were sent more than once, on the worst band.",
            queries=(Query("max(site:mist_site_client_transmit_retries:ratio{<in_site>})"),),
            empty=words.NO_CLIENTS,
            unit="percentunit",
            steps=Steps(
                "Red from <retry_ratio|percent>; a healthy cell stays below a fifth.",
                yellow=0.2,
                red=s.thresholds["retry_ratio"],
            ),
        ),
        Stat(
            title="Attempts that succeed",
            says="Share of attempts to connect that succeed, the worst site (Mist's service level).",
            queries=(Query('min(mist_site_sle_ratio{<in_site>, sle="successful-connect"})'),),
            empty="No data because the topic site-sle has not come; it is told once an hour",
            unit="percentunit",
            steps=Steps("Red below <connect_ratio|percent>.", yellow=0.9, red=s.thresholds["connect_ratio"]),
        ),
        Stat(
            title="Denied",
            says="Share of decisions of access control that denied, in the last <people>.",
            queries=(Query(_denied()),),
            empty=words.NO_EVENTS,
            unit="percentunit",
            steps=Steps(
                "Red from <nac_denied_ratio|percent>: not a few wrong ones, but a server, a certificate or a rule.",
                yellow=0.15,
                red=s.thresholds["nac_denied_ratio"],
            ),
        ),
        Stat(
            title="Guests",
            says="Guests that are connected.",
            queries=(Query("sum(mist_site_guest_clients{<in_site>})"),),
            empty=words.NO_CLIENTS,
        ),
    )


def _there() -> tuple[Panel, ...]:
    return (
        Lines(
            title="Clients by band",
            says="Most should be on 5 and 6 GHz.",
            queries=(Query("sum by (band) (site:mist_site_clients:sum{<in_site>})", "{{band}} GHz"),),
            empty=words.NO_CLIENTS,
            stacked=True,
        ),
        Lines(
            title="Clients by SSID",
            says="The ten fullest networks. One that falls to nothing alone lost its authentication or its VLAN.",
            queries=(Query("topk(10, sum by (ssid) (mist_site_clients{<in_site>}))", "{{ssid}}"),),
            empty=words.NO_CLIENTS,
            stacked=True,
        ),
        Lines(
            title="Clients by protocol",
            says="Old protocols (b, g, a) hold up everybody else.",
            queries=(Query("sum by (protocol) (mist_site_clients{<in_site>})", "802.11{{protocol}}"),),
            empty=words.NO_CLIENTS,
            stacked=True,
        ),
        Table(
            title="Fullest access points",
            says="Clients by access point. More than forty on one is too many.",
            queries=(
                Query(
                    "topk(20, mist_ap_clients{<in_site>}) * on (<device>) group_left (device, site) device:mist_device_info:named{<in_site>}"
                ),
            ),
            empty=words.NOT_STREAMED,
            w=12,
            sort="Clients",
            columns=(
                Column(field="device", title="Access point"),
                Column(field="Value", title="Clients", steps=Steps("", yellow=30, red=40)),
                Column(field="site", title="Site", link=SITE_OF_ROW),
                Column(field="site_id", hidden=True),
                Column(field="mac", hidden=True),
            ),
        ),
        Bars(
            title="Clients by security",
            says="Open and old ciphers are bad.",
            queries=(
                Query(
                    "topk(8, sum by (key_management) (mist_site_clients_by_security{<in_site>}))", "{{key_management}}"
                ),
            ),
            empty=words.NO_CLIENTS,
            w=12,
        ),
    )


def _well(s: Settings) -> tuple[Panel, ...]:
    poor = Steps("Dashed: <rssi_dbm> dBm, where voice breaks.", red=s.thresholds["rssi_dbm"])
    half = "histogram_quantile(0.5, sum by (band, le) (rate(mist_site_client_%s_bucket{<in_site>}[$__rate_interval])))"
    return (
        Lines(
            title="Signal of the weak tenth",
            says="The signal that nine of ten clients exceed, by band.",
            queries=(Query("min by (band) (site:mist_site_client_rssi_dbm:p10{<in_site>})", "{{band}} GHz"),),
            empty=words.NO_CLIENTS,
            unit="dBm",
            steps=poor,
        ),
        Lines(
            title="Signal above noise",
            says="The signal-to-noise ratio that nine of ten clients exceed, by band. Below 20 dB rates fall.",
            queries=(Query("min by (band) (site:mist_site_client_snr_db:p10{<in_site>})", "{{band}} GHz"),),
            empty=words.NO_CLIENTS,
            unit="dB",
        ),
        Lines(
            title="Data rate of the middle client",
            says="The rate that half of the clients are sent to with. A fall on one band: width, noise or distance changed.",
            queries=(Query(half % "transmit_speed_bytes_per_second", "{{band}} GHz"),),
            empty=words.NO_CLIENTS,
            unit="Bps",
        ),
        Lines(
            title="Frames sent again",
            says="Share of frames to clients that were sent more than once, by band.",
            queries=(Query("max by (band) (site:mist_site_client_transmit_retries:ratio{<in_site>})", "{{band}} GHz"),),
            empty=words.NO_CLIENTS,
            unit="percentunit",
            steps=Steps("Dashed: <retry_ratio|percent>.", red=s.thresholds["retry_ratio"]),
        ),
        Lines(
            title="Traffic",
            says="What clients receive and send.",
            queries=(
                Query("sum(rate(mist_site_client_transmit_bytes_total{<in_site>}[$__rate_interval]))", "to clients"),
                Query("sum(rate(mist_site_client_receive_bytes_total{<in_site>}[$__rate_interval]))", "from clients"),
            ),
            empty=words.NO_CLIENTS,
            unit="Bps",
        ),
        Lines(
            title="Roams",
            says="How often clients change their access point, a second. Very many: cells of equal strength, or sticky clients pushed around.",
            queries=(
                Query("sum by (ssid) (rate(mist_site_client_roams_total{<in_site>}[$__rate_interval]))", "{{ssid}}"),
            ),
            empty=words.NO_CLIENTS,
            unit="ops",
        ),
    )


def _in(s: Settings) -> tuple[Panel, ...]:
    return (
        Lines(
            title="Joins",
            says="Clients that associate, a second. Many more than ever with as many clients: they are thrown out and come again.",
            queries=(Query("sum(site:mist_client_joins:rate{<in_site>})", "joins"),),
            empty=words.NO_EVENTS,
            unit="ops",
        ),
        Lines(
            title="Time of each step",
            says="How long clients lately took for authorisation, DHCP and DNS, the slowest site. The step that grows is where to look.",
            queries=(Query('max by (step) (mist_site_client_latency_seconds{<in_site>, stat="avg"})', "{{step}}"),),
            empty="No data because the topic client-latency is not configured at Mist; it is told every ten minutes",
            unit="s",
            steps=Steps("Dashed: 2 s, from where people notice.", red=2),
        ),
        Lines(
            title="Decisions of access control",
            says="Permits, denials and the rest in the <people> before. Denials that rise alone are a server, a certificate or a rule.",
            queries=(Query("sum by (type) (site:mist_nac_decisions:increase{<in_site>})", "{{type}}"),),
            empty=words.NO_EVENTS,
        ),
        Bars(
            title="Denials by method",
            says="Which way of authenticating is denied: one alone points to its server.",
            queries=(
                Query(
                    'topk(8, sum by (auth_type) (increase(mist_nac_events_total{<in_site>, type="NAC_CLIENT_DENY"}[$__range])))',
                    "{{auth_type}}",
                ),
            ),
            empty=words.NO_EVENTS,
        ),
        Lines(
            title="Sessions that ended",
            says="Sessions that end a second, by reason. Many that are inactive: clients lost their access point.",
            queries=(
                Query(
                    "sum by (reason) (rate(mist_client_session_duration_seconds_count{<in_site>}[$__rate_interval]))",
                    "{{reason}}",
                ),
            ),
            empty=words.NO_EVENTS,
            unit="ops",
        ),
        Lines(
            title="Service level: successful connect",
            says="Share of attempts that succeed, the five worst sites.",
            queries=(
                Query(
                    'bottomk(5, mist_site_sle_ratio{<in_site>, sle="successful-connect"} * on (<site>) group_left (site) site:mist_site_info:named{<in_org>})',
                    "{{site}}",
                ),
            ),
            empty="No data because the topic site-sle has not come; it is told once an hour",
            unit="percentunit",
            top=1,
            steps=Steps("Dashed: <connect_ratio|percent>.", red=s.thresholds["connect_ratio"]),
        ),
    )
