"""Wireless clients: what is counted of them together, and the rows of single ones that an operator may choose to see.

Nothing here names a client by default. The tables that do (`CLIENT` and what is inside it) stay empty unless
`clients.per_client` is set; even then they hold no host name, user name, address or position.
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
        Gauge("mist_site_clients", None, "Wireless clients connected, by SSID, band and 802.11 protocol.", reads=("ssid", "band", "proto")),
    ),
)  # fmt: skip

AP_CLIENTS = Entity(
    "ap_ssid_clients",
    of=OBJECT,
    labels=("org_id", "site_id", "mac", "ssid", "band"),
    ttl_s=None,
    families=(
        Gauge(
            "mist_ap_ssid_clients", None, "Wireless clients connected to an AP, by SSID and band.", reads=("ap_mac",)
        ),
    ),
)

SECURITY = Entity(
    "site_clients_by_security",
    of=OBJECT,
    labels=("org_id", "site_id", "key_management"),
    ttl_s=None,
    families=(
        Gauge("mist_site_clients_by_security", None, "Wireless clients connected, by key management and cipher.", reads=("key_mgmt",)),
    ),
)  # fmt: skip

TYPES = Entity(
    "site_clients_by_type",
    of=OBJECT,
    labels=("org_id", "site_id", "type"),
    ttl_s=None,
    families=(
        Gauge("mist_site_clients_by_type", None, "Wireless clients connected that somebody put in a class: vip, resource, blocked.", reads=("type",)),
    ),
)  # fmt: skip

# fields that count since association -> what is told of them, in the order of `Traffic`
TRAFFIC = (
    (("rx_bytes",), "receive_bytes", "Bytes received from wireless clients."),
    (("tx_bytes",), "transmit_bytes", "Bytes sent to wireless clients."),
    (("rx_pkts", "rx_packets"), "receive_packets", "Packets received from wireless clients."),
    (("tx_pkts", "tx_packets"), "transmit_packets", "Packets sent to wireless clients."),
    (("rx_retries",), "receive_retries", "Frames that wireless clients had to send again."),
    (("tx_retries",), "transmit_retries", "Frames that had to be sent again to wireless clients."),
)
ROAMS = "mist_site_client_roams_total"
GUESTS, DUAL_BAND, POWER_SAVING = (f"mist_site_{what}_clients" for what in ("guest", "dual_band", "power_saving"))

SEGMENT = Entity(
    "site_segment",
    of=OBJECT,
    labels=PLACE_LABELS,
    ttl_s=None,
    families=(
        Gauge(GUESTS, None, "Wireless clients connected that are guests.", reads=("is_guest",)),
        Gauge(DUAL_BAND, None, "Wireless clients connected that were seen on several bands.", reads=("dual_band",)),
        Gauge(POWER_SAVING, None, "Wireless clients connected that sleep at present to save power.", reads=("power_saving",)),
        Counter(ROAMS, None, "Times that a wireless client was found on another AP than in its message before."),
        *(Counter(f"mist_site_client_{what}_total", None, help_, reads=fields) for fields, what, help_ in TRAFFIC),
    ),
)  # fmt: skip

RSSI, SNR, IDLE = "mist_site_client_rssi_dbm", "mist_site_client_snr_db", "mist_site_client_idle_seconds"
RECEIVE_SPEED = "mist_site_client_receive_speed_bytes_per_second"
TRANSMIT_SPEED = "mist_site_client_transmit_speed_bytes_per_second"
_SPEEDS = tuple(MEGABITS.of(mbps) for mbps in (6, 12, 24, 54, 100, 200, 400, 800, 1200))

AIR = Entity(
    "site_air",
    of=OBJECT,
    labels=("org_id", "site_id", "band"),
    ttl_s=None,
    families=(
        Histogram(RSSI, "Signal strength of wireless clients, one observation a message.", (-90, -85, -80, -75, -70, -67, -60, -50), ("rssi",)),
        Histogram(SNR, "Signal-to-noise ratio of wireless clients, one observation a message.", (5, 10, 15, 20, 25, 30, 40, 50), ("snr",)),
        Histogram(RECEIVE_SPEED, "Data rate that clients send with, one observation a message.", _SPEEDS, ("rx_rate",)),
        Histogram(TRANSMIT_SPEED, "Data rate that clients are sent to with, one observation a message.", _SPEEDS, ("tx_rate",)),
        Histogram(IDLE, "Time since wireless clients last sent something, one observation a message.", (1, 10, 60, 300, 1800), ("idle_time",)),
    ),
)  # fmt: skip

TALLIES = (CLIENTS, AP_CLIENTS, SECURITY, TYPES, SEGMENT, AIR)

CLIENT = Entity(
    "client",
    option=OPTION,
    labels=("org_id", "site_id", "mac"),
    ttl_s=None,  # ends with the client, see `clients.py`
    families=(
        Gauge("mist_client_rssi_dbm", "rssi", "Signal strength of the client."),
        Gauge("mist_client_snr_db", "snr", "Signal-to-noise ratio of the client."),
        Gauge("mist_client_channel", "channel", "Channel that the client works on."),
        Gauge("mist_client_idle_seconds", "idle_time", "Time since the client last sent something."),
        Gauge("mist_client_uptime_seconds", "uptime", "Time since the client associated."),
        timestamp("mist_client_associated_timestamp_seconds", "assoc_time", "When the client associated."),
        timestamp("mist_client_last_seen_timestamp_seconds", "last_seen", "When the Mist cloud last saw the client."),
        Gauge("mist_client_receive_bytes_per_second", "rx_bps", "Rate of receiving from the client, as last told.", BITS),
        Gauge("mist_client_transmit_bytes_per_second", "tx_bps", "Rate of sending to the client, as last told.", BITS),
        Gauge("mist_client_receive_speed_bytes_per_second", "rx_rate", "Data rate that the client sends with.", MEGABITS),
        Gauge("mist_client_transmit_speed_bytes_per_second", "tx_rate", "Data rate that the client is sent to with.", MEGABITS),
        *(
            Counter(f"mist_client_{what}_total", fields, f"{help_.removesuffix('.')}, of one client, since it associated.")
            for fields, what, help_ in TRAFFIC
        ),
        Flag("mist_client_guest", "is_guest", "Whether the client is a guest."),
        Flag("mist_client_dual_band", "dual_band", "Whether the client was seen on several bands."),
        Flag("mist_client_power_saving", "power_saving", "Whether the client sleeps at present to save power."),
        Flag("mist_client_airwatch_authorized", "airwatch.authorized", "Whether AirWatch admits the client."),
        Flag("mist_client_guest_authorized", "guest.authorized", "Whether the guest is admitted at present."),
        Flag("mist_client_guest_random_mac", "guest.random_mac", "Whether the guest registered with a made-up MAC address."),
        Gauge("mist_client_guest_authorization_seconds", "guest.minutes", "How long a guest is admitted.", MINUTES),
        timestamp("mist_client_guest_authorized_timestamp_seconds", "guest.authorized_time", "When the guest was admitted."),
        timestamp("mist_client_guest_expiry_timestamp_seconds", "guest.authorized_expiring_time", "When the guest's admission ends."),
        Gauge("mist_client_locating_aps", "num_locating_aps", "APs that hear the client well enough to locate it."),
        Gauge("mist_client_location_accuracy_meters", "accuracy", "Estimated error of the client's location."),
        Info(
            "mist_client_info",
            {
                "ap": "ap_mac", "ssid": "ssid", "band": "band", "protocol": "proto", "key_management": "key_mgmt",
                "type": "type", "vlan": "vlan_id", "manufacturer": "manufacture", "family": "family", "model": "model", "os": "os",
            },
            "Where the client is connected, how, and what it is.",
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
        timestamp("mist_client_zone_entered_timestamp_seconds", "since", "Since when the client is in a zone, an RSSI zone or at a virtual beacon."),
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
    families=(Gauge("mist_client_rule_usage_ratio", "usage", "Use that the client makes of a WxLAN rule.", PERCENT),),
)

NESTED = (CLIENT_ZONE, CLIENT_RULE)

_POSITION = "Where a person is: positions are counted by zone and map, never told of one client."
NOT_EXPORTED = {
    "_ttl": "Plumbing of the stream: how long the record is valid. The counts of clients follow it.",
    **dict.fromkeys(("x", "y", "x_m", "y_m"), _POSITION),
}
