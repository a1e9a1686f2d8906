"""Clients: counts, RF quality, onboarding (association, authentication, DHCP, DNS)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mist_screens import messages
from mist_screens.layout import SITE_LINK, Dashboard, Row
from mist_screens.panels import BarGauge, Column, Query, Stat, Table, Thresholds, TimeSeries

if TYPE_CHECKING:
    from mist_screens.panels import Panel
    from mist_screens.settings import Settings

_NO_SLE = "No data: the webhook topic site-sle is not configured in Mist, or not received yet (sent hourly)"


def dashboard(s: Settings) -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        name="clients",
        title="Mist / Clients",
        description="Wireless clients: counts, RF quality and onboarding. Aggregates only, no individual client.",
        rows=(
            Row("Overview", _overview(s)),
            Row("Clients", _counts()),
            Row("Quality", _quality(s)),
            Row("Onboarding", _onboarding(s)),
        ),
    )


def _denied_share() -> str:
    decisions = 'sum(site:mist_nac_decisions:increase{<in_site>, type=~"%s"})'
    return f"{decisions % 'NAC_CLIENT_DENY'} / ({decisions % 'NAC_CLIENT_(PERMIT|DENY)'} > 0)"


def _overview(s: Settings) -> tuple[Panel, ...]:
    return (
        Stat(
            title="Clients",
            description="Connected wireless clients.",
            queries=(Query("sum(site:mist_site_clients:sum{<in_site>})"),),
            no_value=messages.NO_CLIENTS,
        ),
        Stat(
            title="Client RSSI p10, 5 GHz",
            description="10th percentile of client RSSI on 5 GHz, lowest site: 90% of the clients are above it.",
            queries=(Query('min(site:mist_site_client_rssi_dbm:p10{<in_site>, band="5"})'),),
            no_value=messages.NO_CLIENTS,
            unit="dBm",
            decimals=0,
            thresholds=Thresholds(
                "Red below <rssi_dbm> dBm, where voice degrades.", warning=-70, critical=s.thresholds["rssi_dbm"]
            ),
        ),
        Stat(
            title="TX retry rate",
            description="Share of frames to clients that were retried, on the worst band and site.",
            queries=(Query("max(site:mist_site_client_transmit_retries:ratio{<in_site>})"),),
            no_value=messages.NO_CLIENTS,
            unit="percentunit",
            thresholds=Thresholds(
                "Red from <retry_ratio|percent>; below 20% is normal.",
                warning=0.2,
                critical=s.thresholds["retry_ratio"],
            ),
        ),
        Stat(
            title="Connect success rate",
            description="Share of successful connection attempts at the worst site (Mist service level successful-connect).",
            queries=(Query('min(mist_site_sle_ratio{<in_site>, sle="successful-connect"})'),),
            no_value=_NO_SLE,
            unit="percentunit",
            thresholds=Thresholds(
                "Red below <connect_ratio|percent>.", warning=0.9, critical=s.thresholds["connect_ratio"]
            ),
        ),
        Stat(
            title="NAC denial rate",
            description="Share of NAC decisions that are denials, over the last <client_rate>.",
            queries=(Query(_denied_share()),),
            no_value=messages.NO_EVENTS,
            unit="percentunit",
            thresholds=Thresholds(
                "Red from <nac_denied_ratio|percent>: check the RADIUS server, certificates and NAC rules.",
                warning=0.15,
                critical=s.thresholds["nac_denied_ratio"],
            ),
        ),
        Stat(
            title="Guests",
            description="Connected guest clients.",
            queries=(Query("sum(mist_site_guest_clients{<in_site>})"),),
            no_value=messages.NO_CLIENTS,
        ),
    )


def _counts() -> tuple[Panel, ...]:
    return (
        TimeSeries(
            title="Clients by band",
            description="Connected clients by band. Most should be on 5 and 6 GHz.",
            queries=(Query("sum by (band) (site:mist_site_clients:sum{<in_site>})", "{{band}} GHz"),),
            no_value=messages.NO_CLIENTS,
            stacked=True,
        ),
        TimeSeries(
            title="Top 10 SSIDs by clients",
            description="Connected clients by SSID. A drop to zero on one SSID points to its authentication or VLAN.",
            queries=(Query("topk(10, sum by (ssid) (mist_site_clients{<in_site>}))", "{{ssid}}"),),
            no_value=messages.NO_CLIENTS,
            stacked=True,
        ),
        TimeSeries(
            title="Clients by protocol",
            description="Connected clients by protocol. Legacy protocols (b, g, a) reduce the capacity for all clients.",
            queries=(Query("sum by (protocol) (mist_site_clients{<in_site>})", "802.11{{protocol}}"),),
            no_value=messages.NO_CLIENTS,
            stacked=True,
        ),
        Table(
            title="Top 20 access points by clients",
            description="Clients by access point. Above 40 clients, airtime per client is short.",
            queries=(
                Query(
                    "topk(20, mist_ap_clients{<in_site>}) * on (<device>) group_left (device, site) device:mist_device_info:named{<in_site>}"
                ),
            ),
            no_value=messages.NOT_STREAMED,
            w=12,
            sort_by="Clients",
            columns=(
                Column(field="device", title="Access point"),
                Column(field="Value", title="Clients", thresholds=Thresholds("", warning=30, critical=40)),
                Column(field="site", title="Site", link=SITE_LINK),
                Column(field="site_id", hidden=True),
                Column(field="mac", hidden=True),
            ),
        ),
        BarGauge(
            title="Top 8 key management types",
            description="Connected clients by key management. Open networks and legacy ciphers are insecure.",
            queries=(
                Query(
                    "topk(8, sum by (key_management) (mist_site_clients_by_security{<in_site>}))", "{{key_management}}"
                ),
            ),
            no_value=messages.NO_CLIENTS,
            w=12,
        ),
    )


def _quality(s: Settings) -> tuple[Panel, ...]:
    rssi = Thresholds("Dashed: <rssi_dbm> dBm, where voice degrades.", critical=s.thresholds["rssi_dbm"])
    median = (
        "histogram_quantile(0.5, sum by (band, le) (rate(mist_site_client_%s_bucket{<in_site>}[$__rate_interval])))"
    )
    return (
        TimeSeries(
            title="Client RSSI, 10th percentile",
            description="10th percentile of client RSSI, by band: 90% of the clients are above it.",
            queries=(Query("min by (band) (site:mist_site_client_rssi_dbm:p10{<in_site>})", "{{band}} GHz"),),
            no_value=messages.NO_CLIENTS,
            unit="dBm",
            thresholds=rssi,
        ),
        TimeSeries(
            title="Client SNR, 10th percentile",
            description="10th percentile of the signal-to-noise ratio, by band. Below 20 dB data rates drop.",
            queries=(Query("min by (band) (site:mist_site_client_snr_db:p10{<in_site>})", "{{band}} GHz"),),
            no_value=messages.NO_CLIENTS,
            unit="dB",
        ),
        TimeSeries(
            title="Median client data rate",
            description="Median PHY data rate of frames to clients, by band. A drop on one band points to channel width, noise or distance.",
            queries=(Query("8 * " + median % "transmit_speed_bytes_per_second", "{{band}} GHz"),),
            no_value=messages.NO_CLIENTS,
            unit="bps",
        ),
        TimeSeries(
            title="TX retry rate",
            description="Share of frames to clients that were retried, by band; worst site.",
            queries=(Query("max by (band) (site:mist_site_client_transmit_retries:ratio{<in_site>})", "{{band}} GHz"),),
            no_value=messages.NO_CLIENTS,
            unit="percentunit",
            thresholds=Thresholds("Dashed: <retry_ratio|percent>.", critical=s.thresholds["retry_ratio"]),
        ),
        TimeSeries(
            title="Client traffic",
            description="Throughput of all clients, by direction.",
            queries=(
                Query(
                    "8 * sum(rate(mist_site_client_transmit_bytes_total{<in_site>}[$__rate_interval]))", "to clients"
                ),
                Query(
                    "8 * sum(rate(mist_site_client_receive_bytes_total{<in_site>}[$__rate_interval]))", "from clients"
                ),
            ),
            no_value=messages.NO_CLIENTS,
            unit="bps",
        ),
        TimeSeries(
            title="Roaming rate",
            description="Roams per second, by SSID. A high rate points to access points of equal signal strength or to sticky clients.",
            queries=(
                Query("sum by (ssid) (rate(mist_site_client_roams_total{<in_site>}[$__rate_interval]))", "{{ssid}}"),
            ),
            no_value=messages.NO_CLIENTS,
            unit="ops",
        ),
    )


def _onboarding(s: Settings) -> tuple[Panel, ...]:
    return (
        TimeSeries(
            title="Association rate",
            description="Client associations per second. A high rate with a constant number of clients means that clients are disconnected and reconnect.",
            queries=(Query("sum(site:mist_client_joins:rate{<in_site>})", "associations"),),
            no_value=messages.NO_EVENTS,
            unit="ops",
        ),
        TimeSeries(
            title="Onboarding time by step",
            description="Mean time for authentication, DHCP and DNS, at the slowest site.",
            queries=(Query('max by (step) (mist_site_client_latency_seconds{<in_site>, stat="avg"})', "{{step}}"),),
            no_value="No data: the webhook topic client-latency is not configured in Mist, or not received yet (sent every 10 minutes)",
            unit="s",
            thresholds=Thresholds("Dashed: 2 s, where users notice the delay.", critical=2),
        ),
        TimeSeries(
            title="NAC decisions",
            description="NAC decisions by type, over the previous <client_rate>. If only denials rise, check the RADIUS server, certificates and NAC rules.",
            queries=(Query("sum by (type) (site:mist_nac_decisions:increase{<in_site>})", "{{type}}"),),
            no_value=messages.NO_EVENTS,
        ),
        BarGauge(
            title="Top 8 authentication types by NAC denials",
            description="NAC denials by authentication type, in the selected time range.",
            queries=(
                Query(
                    'topk(8, sum by (auth_type) (increase(mist_nac_events_total{<in_site>, type="NAC_CLIENT_DENY"}[$__range])))',
                    "{{auth_type}}",
                ),
            ),
            no_value=messages.NO_EVENTS,
        ),
        TimeSeries(
            title="Ended client sessions by reason",
            description="Ended sessions per second, by reason. Many with reason inactive: clients lost their access point.",
            queries=(
                Query(
                    "sum by (reason) (rate(mist_client_session_duration_seconds_count{<in_site>}[$__rate_interval]))",
                    "{{reason}}",
                ),
            ),
            no_value=messages.NO_EVENTS,
            unit="ops",
        ),
        TimeSeries(
            title="Connect success rate, lowest 5 sites",
            description="Share of successful connection attempts (Mist service level successful-connect), by site.",
            queries=(
                Query(
                    'bottomk(5, mist_site_sle_ratio{<in_site>, sle="successful-connect"} * on (<site>) group_left (site) site:mist_site_info:named{<in_org>})',
                    "{{site}}",
                ),
            ),
            no_value=_NO_SLE,
            unit="percentunit",
            maximum=1,
            thresholds=Thresholds("Dashed: <connect_ratio|percent>.", critical=s.thresholds["connect_ratio"]),
        ),
    )
