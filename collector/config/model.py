"""The shape of the configuration file: every key, its type, its default and what it means, nowhere else.

The sentence below a field is its description in the JSON schema. No secret is ever a value here: the file names
where a secret lives (a file or an environment variable), and `read_token` / `read_secrets` fetch it when it is needed.
"""

import os
import socket
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from collector.config.fields import (
    AccountName,
    ApiUrl,
    EnvironmentName,
    HttpPath,
    ListenHostPort,
    NetworkRange,
    OrgId,
    Seconds,
    SecretPath,
    StreamUrl,
)
from collector.config.location import LocationConfig
from collector.config.secret_file import SecretFile, SecretProblem
from collector.config.section import Section
from collector.errors import ConfigError, Fault
from collector.listener.address import ListenAddress

# The names of `collector.mist.clouds.CLOUDS`; a unit test holds both lists equal (layers forbid the import).
CloudName = Literal[
    "global01", "global02", "global03", "global04", "global05",
    "emea01", "emea02", "emea03", "emea04",
    "apac01", "apac02", "apac03",
]  # fmt: skip
PollSeconds = Annotated[
    float, Field(ge=30, le=86_400, allow_inf_nan=False, description="Seconds from one round of this poll to the next.")
]
MIST_CHANNEL_LIMIT = 2000  # channels a connection, see "limits" in the protocol notes of mist/


class SitesConfig(Section):
    """Which sites are collected. Each entry is a site id or a site name; names may hold `*` and `?`."""

    include: list[str] = []
    """Collect only these; empty means all."""
    exclude: list[str] = []
    """Never collect these, whatever `include` says."""


class AccountConfig(Section):
    """One Mist account: a cloud, a token, and what is collected with it."""

    name: AccountName
    """Your word for the account; it becomes the label `account` of the collector's own metrics. Unique."""
    cloud: CloudName | None = None
    """The Mist cloud the organisation lives in. Give this, or api_url."""
    api_url: ApiUrl | None = None
    """REST address, for a cloud that is not in the list: https://api.mist.example"""
    stream_url: StreamUrl | None = None
    """Stream address; derived from api_url when that begins with api."""
    token_file: SecretPath | None = None
    """File that holds the API token, alone on one line; read again at each use. Instead of token_env."""
    token_env: EnvironmentName = "MIST_API_TOKEN"  # noqa: S105 - a name, no secret
    """Environment variable that holds the API token."""
    orgs: list[OrgId] = []
    """Organisation ids to collect; empty means every organisation the token may read."""
    sites: SitesConfig = SitesConfig()
    """Which sites are collected; by default all."""

    _environ: Mapping[str, str] = PrivateAttr(default_factory=lambda: os.environ)
    _token: SecretFile | None = PrivateAttr(default=None)

    def bind(self, environ: Mapping[str, str]) -> None:
        """Say where environment variables come from; done once, by `load`."""
        self._environ = environ
        self._token = SecretFile(self.token_file) if self.token_file else None

    def read_token(self) -> str:
        """The API token as it is now. Raises ConfigError (without any of its content) when it cannot be had."""
        try:
            return self.token_or_problem()
        except SecretProblem as error:
            key = f"accounts[{self.name}].{'token_file' if self.token_file else 'token_env'}"
            raise ConfigError("configuration", [Fault(key, error.problem, error.remedy)]) from None

    def token_or_problem(self) -> str:
        """The token; raises SecretProblem."""
        if self._token is not None:
            where, token = "the file", self._token.read().decode("ascii", "replace").strip()
        else:
            where, token = self.token_env, self._environ.get(self.token_env, "").strip()
            if not token:
                raise SecretProblem(
                    f"the environment variable {self.token_env} is not set", "set it, or give token_file"
                )
        if not (token.isascii() and token.isprintable() and " " not in token):
            raise SecretProblem(f"{where} does not hold an API token", "one word, as Mist showed it when it was made")
        return token


class LocationStreams(Section):
    """Location channels: one a map and kind, seconds apart. Off unless wanted."""

    clients: bool = False
    """Positions of connected Wi-Fi clients."""
    unconnected_clients: bool = False
    """Devices heard by Wi-Fi but not connected."""
    sdkclients: bool = False
    """Users of apps with the Mist SDK."""
    assets: bool = False
    """Named BLE assets."""
    discovered_assets: bool = False
    """Every BLE device heard; can be heavy."""


class StreamsConfig(Section):
    """What is subscribed on the stream."""

    devices: bool = True
    """Statistics of access points, switches and gateways."""
    clients: bool = False
    """Statistics of wireless clients, exported as aggregates."""
    mxedges: bool = False
    """Statistics of Mist Edges."""
    org_insights: bool = False
    """Totals and service levels of the organisation."""
    device_events: bool = True
    """Changes of devices: firmware progress."""
    location: LocationStreams = LocationStreams()
    """Positions on floor plans."""


class WebhookConfig(Section):
    """Where Mist posts its webhooks."""

    enabled: bool = True
    """False: no webhook listener at all."""
    listen: ListenHostPort = ListenAddress("0.0.0.0", 9734)  # noqa: S104 - Mist calls from outside; signatures guard it
    """Address and port of the webhook listener."""
    path: HttpPath = "/webhook"
    """Path of the webhook URL as configured in Mist."""
    secret_files: list[SecretPath] = []
    """Files with the webhook secret, one each; several during a rotation. Read again at each delivery."""
    allow_unsigned: bool = False
    """Accept deliveries without a signature: anyone who reaches the port can then invent events."""
    max_body_bytes: Annotated[int, Field(ge=1024, le=1_000_000_000)] = 10_000_000
    """Largest delivery accepted; more is answered 413."""
    read_timeout_s: Seconds = 30.0
    """A delivery must have arrived whole within this time."""
    allow_sources: list[NetworkRange] = []
    """Networks that may send, such as the addresses Mist publishes for its cloud; empty means every source."""
    trusted_proxies: list[NetworkRange] = []
    """Reverse proxies in front of the listener: what they write into X-Forwarded-For is believed."""
    rate_per_s: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] = 1000.0
    """Requests a second that one source may make; more are answered 429. 0 means any number."""
    rate_burst: Annotated[int, Field(ge=1, le=1_000_000)] = 5000
    """Requests that one source may make at once, after a rest."""
    max_connections: Annotated[int, Field(ge=8, le=65_536)] = 512
    """Connections at once; beyond them the one that rested longest is closed. One source has a quarter of them."""

    _secrets: tuple[SecretFile, ...] = PrivateAttr(default=())

    def bind(self) -> None:
        """Prepare the secret files; done once, by `load`."""
        self._secrets = tuple(SecretFile(path) for path in self.secret_files)

    def read_secrets(self) -> tuple[bytes, ...]:
        """The webhook secrets as they are now. Raises ConfigError when one was never readable."""
        try:
            return tuple(secret.read() for secret in self._secrets)
        except SecretProblem as error:
            raise ConfigError("configuration", [Fault("webhook.secret_files", error.problem, error.remedy)]) from None


class ServerConfig(Section):
    """The operator's listener: /metrics, health, status page."""

    listen: ListenHostPort = ListenAddress("0.0.0.0", 9733)  # noqa: S104 - Prometheus scrapes from outside
    """Address and port of the operator's listener."""
    web_config_file: SecretPath | None = None
    """TLS, client certificates, users: a file in the format of Prometheus' exporter-toolkit (web-config.yml)."""
    health_open: bool = True
    """The health endpoints ask for no password, whatever the others ask for."""
    allow_reload: bool = False
    """POST /-/reload reads the configuration again, as SIGHUP does; whoever reaches the listener may ask for it."""


class InventoryConfig(Section):
    """Reading organisations, sites and devices by REST."""

    refresh_s: Annotated[float, Field(ge=1, le=86_400, allow_inf_nan=False)] = 600.0
    """Seconds between two inventories. A token has 5000 REST calls an hour."""


class PollPeriods(Section):
    """Seconds from one round of a poll to the next. Where the budget is too small they stretch, up to twelvefold."""

    maps: PollSeconds = 600.0
    alarms: PollSeconds = 300.0
    silent_devices: PollSeconds = 300.0
    ports: PollSeconds = 300.0
    wan_tunnels: PollSeconds = 300.0
    vpn_peers: PollSeconds = 300.0
    bgp_peers: PollSeconds = 300.0
    mxedges: PollSeconds = 300.0
    mxtunnels: PollSeconds = 300.0
    org_stats: PollSeconds = 300.0
    site_stats: PollSeconds = 300.0
    sle: PollSeconds = 900.0
    assets: PollSeconds = 300.0
    other_devices: PollSeconds = 600.0
    zones: PollSeconds = 300.0
    rssizones: PollSeconds = 300.0


class PollsConfig(Section):
    """What is asked for by REST again and again, because the stream does not tell it. The most important first."""

    maps: bool = True
    """Maps and the outlines of their zones, two calls a site; asked only where positions are wanted."""
    alarms: bool = True
    """Open alarms of the last seven days."""
    silent_devices: bool = True
    """Devices that are disconnected, which the stream does not name."""
    ports: bool = True
    """Ports of switches and gateways: bytes, errors, PoE, optics, STP."""
    wan_tunnels: bool = True
    """Tunnels of gateways to other clouds and services."""
    vpn_peers: bool = True
    """Paths between gateways of a VPN: latency, loss, jitter."""
    bgp_peers: bool = True
    """BGP neighbours of gateways."""
    mxedges: bool = True
    """Mist Edges, also where they are not streamed."""
    mxtunnels: bool = True
    """Tunnels that end at Mist Edges."""
    org_stats: bool = True
    """Counts of each organisation."""
    site_stats: bool = True
    """Counts of each site."""
    sle: bool = True
    """Service levels of each site, for Wi-Fi, wired and WAN: three listings."""
    assets: bool = False
    """Named BLE assets: batteries and temperatures; see the section `assets`."""
    other_devices: bool = True
    """Third-party devices; a call each, so only as far as the budget allows."""
    zones: bool = True
    """Occupancy of zones as Mist counts it; a call a site, so only as far as the budget allows."""
    rssizones: bool = True
    """The same of RSSI zones; asked only where positions are wanted."""
    budget_share: Annotated[float, Field(gt=0, le=0.45, allow_inf_nan=False)] = 0.4
    """Share of the token's calls an hour that all polls together may take; the inventory takes up to a half."""
    every_s: PollPeriods = PollPeriods()
    """Seconds from one round of a poll to the next."""


class ClientsConfig(Section):
    """What is told of wireless clients; by default counts only. Their channel is switched on under streams."""

    per_client: bool = False
    """True: series of single clients, which carry their MAC addresses. Ask whoever is responsible for privacy first."""
    max_clients: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """At most so many clients get series of their own; the messages of more are counted as refused."""


class AssetsConfig(Section):
    """What is told of BLE assets; by default counts only. Their poll is switched on under polls."""

    per_asset: bool = False
    """True: series of single assets, which carry their MAC addresses and positions."""
    max_assets: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """At most so many assets get series of their own; the records of more are counted as refused."""


class ConnectionConfig(Section):
    """How the stream's connections are kept."""

    transport: Literal["websockets", "aiohttp"] = "websockets"
    """The WebSocket library."""
    max_channels: Annotated[int, Field(ge=1, le=MIST_CHANNEL_LIMIT)] = 1500
    """Channels a connection; Mist refuses more than 2000."""
    open_every_s: Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)] = 0.5
    """Seconds between opening two connections, so that a restart is no burst."""
    ack_timeout_s: Seconds = 10.0
    """A subscription must be acknowledged within this time."""
    ping_every_s: Seconds = 60.0
    """Seconds between WebSocket pings."""
    pong_within_s: Seconds = 45.0
    """A ping must be answered within this time, or the connection counts as dead."""


class ShardConfig(Section):
    """One of several collectors that share the sites: each site is served by exactly one."""

    index: Annotated[int, Field(ge=0, le=999)] = 0
    """Number of this collector, from 0. `auto`: the number at the end of the host name, as in a StatefulSet."""
    count: Annotated[int, Field(ge=1, le=1000)] = 1
    """How many collectors there are; 1 means all sites are collected here."""

    @model_validator(mode="before")
    @classmethod
    def _ordinal(cls, value: Any) -> Any:
        """`index: auto` becomes the ordinal of the host name (mist-collector-3 -> 3)."""
        if not isinstance(value, dict) or value.get("index") != "auto":
            return value
        ordinal = socket.gethostname().rpartition("-")[2]
        if not ordinal.isdecimal():
            raise ValueError("index is auto, but the host name does not end in -<number>: give the number")
        return {**value, "index": int(ordinal)}

    @model_validator(mode="after")
    def _within(self) -> Self:
        if self.index >= self.count:
            raise ValueError(f"index is {self.index}, but with count {self.count} it goes from 0 to {self.count - 1}")
        return self


class LogConfig(Section):
    """The log, on stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least important level that is written."""
    format: Literal["json", "console"] = "json"
    """One JSON object a line, or lines for people."""


class Config(Section):
    """The whole configuration of one collector."""

    accounts: Annotated[list[AccountConfig], Field(min_length=1)]
    """The Mist accounts to collect from; each has its own cloud and token."""
    streams: StreamsConfig = StreamsConfig()
    """What is subscribed on the stream."""
    webhook: WebhookConfig = WebhookConfig()
    """Where Mist posts its webhooks."""
    server: ServerConfig = ServerConfig()
    """The operator's listener."""
    inventory: InventoryConfig = InventoryConfig()
    """Reading organisations, sites and devices by REST."""
    polls: PollsConfig = PollsConfig()
    """What is asked for by REST again and again, because the stream does not tell it."""
    clients: ClientsConfig = ClientsConfig()
    """What is told of wireless clients; by default counts only."""
    assets: AssetsConfig = AssetsConfig()
    """What is told of BLE assets; by default counts only."""
    location: LocationConfig = LocationConfig()
    """What is told of positions; nobody by name."""
    stream: ConnectionConfig = ConnectionConfig()
    """How the stream's connections are kept."""
    shard: ShardConfig = ShardConfig()
    """Which part of the sites is collected here, when several collectors share them."""
    labels: Literal["ids", "inline"] = "ids"
    """ids: series carry ids, names live on *_info series. inline: names are written on every series too."""
    log: LogConfig = LogConfig()
    """The log."""

    _warnings: tuple[str, ...] = PrivateAttr(default=())

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed but unwise, a sentence each, for the log and for `check-config`."""
        return self._warnings

    def asks(self, poll: str, *, located: bool) -> bool:
        """Whether a poll is wanted; `located`: only where positions are. Chosen assets want that of assets."""
        on: bool = getattr(self.polls, poll) or (poll == "assets" and bool(self.location.named_assets))
        return on and (self.locates or not located)

    @property
    def locates(self) -> bool:
        """Whether positions are wanted, by any way."""
        return any(self.streams.location.model_dump().values()) or self.location.webhook_positions

    def bind(self, environ: Mapping[str, str], warnings: tuple[str, ...]) -> None:
        """Attach what is not in the file; done once, by `load`."""
        self._warnings = warnings
        self.webhook.bind()
        for account in self.accounts:
            account.bind(environ)
