"""Tables of wireless clients: aggregates by site, AP, SSID and band, and optional rows per client.

No default series identifies a client. The table `CLIENT` and the entities nested in it have rows only if
`clients.per_client` is set, and contain no host name, user name, IP address or position.
"""

from __future__ import annotations

from collector.catalog.units import BITS, MEGABITS, MINUTES
from collector.metrics.model import BY_KEY, PERCENT, At, Counter, Entity, Flag, Gauge, Histogram, Info, timestamp

OBJECT = "client"
OPTION = "clients.per_client"
PLACE_LABELS = ("org_id", "site_id", "ssid", "band")

CLIENTS = Entity(
    "site_clients",
    of=OBJECT,
    labels=(*PLACE_LABELS, "protocol"),
    ttl_s=None,
    families=(
        Gauge("mist_site_clients", None, "Number of connected wireless clients, by SSID, band and 802.11 protocol.", reads=("ssid", "band", "proto")),
    ),
)  # fmt: skip

AP_CLIENTS = Entity(
    "ap_ssid_clients",
    of=OBJECT,
    labels=("org_id", "site_id", "mac", "ssid", "band"),
    ttl_s=None,
    families=(
        Gauge(
            "mist_ap_ssid_clients",
            None,
            "Number of wireless clients connected to the AP, by SSID and band.",
            reads=("ap_mac",),
        ),
    ),
)

SECURITY = Entity(
    "site_clients_by_security",
    of=OBJECT,
    labels=("org_id", "site_id", "key_management"),
    ttl_s=None,
    families=(
        Gauge("mist_site_clients_by_security", None, "Number of connected wireless clients, by key management and cipher.", reads=("key_mgmt",)),
    ),
)  # fmt: skip

TYPES = Entity(
    "site_clients_by_type",
    of=OBJECT,
    labels=("org_id", "site_id", "type"),
    ttl_s=None,
    families=(
        Gauge("mist_site_clients_by_type", None, "Number of connected wireless clients with a client type (vip, resource, blocked), by type.", reads=("type",)),
    ),
)  # fmt: skip

# counters since association, in the order of `Traffic`: (names of the field, name in the family, HELP text of the amount)
TRAFFIC = (
    (("rx_bytes",), "receive_bytes", "bytes received from"),
    (("tx_bytes",), "transmit_bytes", "bytes transmitted to"),
    (("rx_pkts", "rx_packets"), "receive_packets", "packets received from"),
    (("tx_pkts", "tx_packets"), "transmit_packets", "packets transmitted to"),
    (("rx_retries",), "receive_retries", "RX retries (retransmitted frames received) from"),
    (("tx_retries",), "transmit_retries", "TX retries (retransmitted frames) to"),
)
ROAMS = "mist_site_client_roams_total"
GUESTS, DUAL_BAND, POWER_SAVING = (f"mist_site_{what}_clients" for what in ("guest", "dual_band", "power_saving"))

SEGMENT = Entity(
    "site_segment",
    of=OBJECT,
    labels=PLACE_LABELS,
    ttl_s=None,
    families=(
        Gauge(GUESTS, None, "Number of connected wireless clients that are guests.", reads=("is_guest",)),
        Gauge(DUAL_BAND, None, "Number of connected wireless clients that are dual-band capable.", reads=("dual_band",)),
        Gauge(POWER_SAVING, None, "Number of connected wireless clients in power-save mode.", reads=("power_saving",)),
        Counter(ROAMS, None, "Total number of roams: client messages from a different AP than the previous message."),
        *(
            Counter(f"mist_site_client_{name}_total", None, f"Total number of {amount} wireless clients.", reads=fields)
            for fields, name, amount in TRAFFIC
        ),
    ),
)  # fmt: skip

RSSI, SNR, IDLE = "mist_site_client_rssi_dbm", "mist_site_client_snr_db", "mist_site_client_idle_seconds"
RECEIVE_SPEED = "mist_site_client_receive_speed_bytes_per_second"
TRANSMIT_SPEED = "mist_site_client_transmit_speed_bytes_per_second"
_SPEEDS = tuple(MEGABITS.of(mbps) for mbps in (6, 12, 24, 54, 100, 200, 400, 800, 1200))

RF = Entity(
    "site_air",
    of=OBJECT,
    labels=("org_id", "site_id", "band"),
    ttl_s=None,
    families=(
        Histogram(RSSI, "RSSI of wireless clients, one observation per client message.", (-90, -85, -80, -75, -70, -67, -60, -50), ("rssi",)),
        Histogram(SNR, "Signal-to-noise ratio (SNR) of wireless clients, one observation per client message.", (5, 10, 15, 20, 25, 30, 40, 50), ("snr",)),
        Histogram(RECEIVE_SPEED, "RX data rate (PHY rate) of wireless clients, one observation per client message.", _SPEEDS, ("rx_rate",)),
        Histogram(TRANSMIT_SPEED, "TX data rate (PHY rate) of wireless clients, one observation per client message.", _SPEEDS, ("tx_rate",)),
        Histogram(IDLE, "Time since the last packet received from a wireless client, one observation per client message.", (1, 10, 60, 300, 1800), ("idle_time",)),
    ),
)  # fmt: skip

AGGREGATES = (CLIENTS, AP_CLIENTS, SECURITY, TYPES, SEGMENT, RF)

CLIENT = Entity(
    "client",
    option=OPTION,
    labels=("org_id", "site_id", "mac"),
    ttl_s=None,  # ends with the client record, see `client_feed.py`
    families=(
        Gauge("mist_client_rssi_dbm", "rssi", "RSSI of the client."),
        Gauge("mist_client_snr_db", "snr", "Signal-to-noise ratio (SNR) of the client."),
        Gauge("mist_client_channel", "channel", "Radio channel of the client connection."),
        Gauge("mist_client_idle_seconds", "idle_time", "Time since the last packet received from the client."),
        Gauge("mist_client_uptime_seconds", "uptime", "Time since the client associated."),
        timestamp("mist_client_associated_timestamp_seconds", "assoc_time", "Time when the client associated with the AP, in seconds since the epoch."),
        timestamp("mist_client_last_seen_timestamp_seconds", "last_seen", "Time when the client was last seen by the Mist cloud, in seconds since the epoch."),
        Gauge("mist_client_receive_bytes_per_second", "rx_bps", "Last reported receive rate from the client.", BITS),
        Gauge("mist_client_transmit_bytes_per_second", "tx_bps", "Last reported transmit rate to the client.", BITS),
        Gauge("mist_client_receive_speed_bytes_per_second", "rx_rate", "RX data rate (PHY rate) of the client connection, from client to AP.", MEGABITS),
        Gauge("mist_client_transmit_speed_bytes_per_second", "tx_rate", "TX data rate (PHY rate) of the client connection, from AP to client.", MEGABITS),
        *(
            Counter(f"mist_client_{name}_total", fields, f"Total number of {amount} the client since it associated.")
            for fields, name, amount in TRAFFIC
        ),
        Flag("mist_client_guest", "is_guest", "Whether the client is a guest."),
        Flag("mist_client_dual_band", "dual_band", "Whether the client is dual-band capable (seen on both the 2.4 GHz and the 5 GHz band)."),
        Flag("mist_client_power_saving", "power_saving", "Whether the client is currently in power-save mode."),
        Flag("mist_client_airwatch_authorized", "airwatch.authorized", "Whether the client is authorized by AirWatch."),
        Flag("mist_client_guest_authorized", "guest.authorized", "Whether the guest is currently authorized."),
        Flag("mist_client_guest_random_mac", "guest.random_mac", "Whether the guest registered with a randomized MAC address."),
        Gauge("mist_client_guest_authorization_seconds", "guest.minutes", "Duration of the authorization of the guest.", MINUTES),
        timestamp("mist_client_guest_authorized_timestamp_seconds", "guest.authorized_time", "Time when the guest was authorized, in seconds since the epoch."),
        timestamp("mist_client_guest_expiry_timestamp_seconds", "guest.authorized_expiring_time", "Time when the authorization of the guest expires, in seconds since the epoch."),
        Gauge("mist_client_locating_aps", "num_locating_aps", "Number of APs used to locate the client."),
        Gauge("mist_client_location_accuracy_meters", "accuracy", "Estimated accuracy of the location of the client."),
        Info(
            "mist_client_info",
            {
                "ap": "ap_mac", "ssid": "ssid", "band": "band", "protocol": "proto", "key_management": "key_mgmt",
                "type": "type", "vlan": "vlan_id", "manufacturer": "manufacture", "family": "family", "model": "model", "os": "os",
            },
            "Information about the client: AP, SSID, band, protocol, key management, type, VLAN, manufacturer, family, model and OS.",
        ),
    ),
)  # fmt: skip

CLIENT_ZONE = Entity(
    "client_zone",
    option=OPTION,
    within=CLIENT,
    at=tuple(At(f"{kind}s[*]", {"kind": kind}) for kind in ("zone", "rssizone", "vbeacon")),
    key="id",
    labels={"zone_id": BY_KEY},
    ttl_s=600.0,
    families=(
        timestamp("mist_client_zone_entered_timestamp_seconds", "since", "Time when the client entered the zone, RSSI zone or virtual beacon area, in seconds since the epoch."),
    ),
)  # fmt: skip

CLIENT_RULE = Entity(
    "client_rule",
    option=OPTION,
    within=CLIENT,
    at="wxrule_usage[*]",
    key="tag_id",
    labels={"tag_id": BY_KEY},
    ttl_s=600.0,
    families=(Gauge("mist_client_rule_usage_ratio", "usage", "Usage of a WxLAN rule by the client.", PERCENT),),
)

NESTED = (CLIENT_ZONE, CLIENT_RULE)

_POSITION = "Position of a person; positions are only exported as counts by zone and map."
NOT_EXPORTED = {
    "_ttl": "Validity of the record, not a measurement; client counts expire by it.",
    **dict.fromkeys(("x", "y", "x_m", "y_m"), _POSITION),
}
