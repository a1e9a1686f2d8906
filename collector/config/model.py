"""The models of the configuration file: every key, its type, its default and its meaning.

The docstring of a field is its description in the JSON schema and in docs/configuration.md. A secret is never a value:
the file names where a secret is stored (a file or an environment variable); `read_token` and `read_secrets` read it.
"""

import os
import socket
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from collector.config.events import EventsConfig
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
from collector.redaction import hide
from collector.token import token_fault

# The names of `collector.mist.clouds.CLOUDS`; a unit test holds both lists equal (layers forbid the import).
CloudName = Literal[
    "global01", "global02", "global03", "global04", "global05",
    "emea01", "emea02", "emea03", "emea04",
    "apac01", "apac02", "apac03",
]  # fmt: skip
PollSeconds = Annotated[
    float, Field(ge=30, le=86_400, allow_inf_nan=False, description="Interval of this poll in seconds.")
]
MIST_CHANNEL_LIMIT = 2000  # channels per connection, as Mist documents it


class SitesConfig(Section):
    """Which sites are collected. An entry is a site id or a site name; names may contain the wildcards `*` and `?`."""

    include: list[str] = []
    """Collect only these sites; empty means all."""
    exclude: list[str] = []
    """Do not collect these sites; takes precedence over `include`."""


class AccountConfig(Section):
    """One Mist account: a cloud, a token, and the organizations and sites to collect."""

    name: AccountName
    """Unique name of the account; the label `account` of the collector's own metrics."""
    cloud: CloudName | None = None
    """The Mist cloud of the organization. Set this or api_url."""
    api_url: ApiUrl | None = None
    """Base URL of the REST API, for a cloud that is not in the list: https://api.mist.example"""
    stream_url: StreamUrl | None = None
    """WebSocket URL; derived from api_url if its host begins with api."""
    token_file: SecretPath | None = None
    """File with the API token on one line; read at each use. An alternative to token_env."""
    token_env: EnvironmentName = "MIST_API_TOKEN"  # noqa: S105 - the name of a variable
    """Environment variable with the API token."""
    orgs: list[OrgId] = []
    """Ids of the organizations to collect; empty means every organization that the token can read."""
    sites: SitesConfig = SitesConfig()
    """Which sites are collected; all by default."""

    _environ: Mapping[str, str] = PrivateAttr(default_factory=lambda: os.environ)
    _token: SecretFile | None = PrivateAttr(default=None)

    def bind(self, environ: Mapping[str, str]) -> None:
        """Attach the environment; `load` calls it once."""
        self._environ = environ
        self._token = SecretFile(self.token_file) if self.token_file else None

    def read_token(self) -> str:
        """Return the present API token. Raises ConfigError, which contains nothing of it, if it cannot be read."""
        try:
            return self.token_or_problem()
        except SecretProblem as error:
            key = f"accounts[{self.name}].{'token_file' if self.token_file else 'token_env'}"
            raise ConfigError("configuration", [Fault(key, error.problem, error.remedy)]) from None

    def token_or_problem(self) -> str:
        """Return the present API token. Raises SecretProblem."""
        if self._token is not None:
            where, token = "the token file", self._token.read().decode("ascii", "replace").strip()
        else:
            where, token = self.token_env, self._environ.get(self.token_env, "").strip()
            if not token:
                raise SecretProblem(
                    f"the environment variable {self.token_env} is not set", "set the variable or token_file"
                )
        if token_fault(token) is not None:
            raise SecretProblem(
                f"{where} does not contain an API token", "copy the token as Mist displayed it when it was created"
            )
        hide(token)
        return token


class LocationStreams(Section):
    """Location channels: one per map and kind, with a message every few seconds. Disabled by default."""

    clients: bool = False
    """Positions of connected Wi-Fi clients."""
    unconnected_clients: bool = False
    """Positions of Wi-Fi clients that are not connected."""
    sdkclients: bool = False
    """Positions of users of apps with the Mist SDK."""
    assets: bool = False
    """Positions of named BLE assets."""
    discovered_assets: bool = False
    """Positions of every discovered BLE device; high volume."""


class StreamsConfig(Section):
    """Which WebSocket channels are subscribed."""

    devices: bool = True
    """Statistics of access points, switches and gateways."""
    clients: bool = False
    """Statistics of wireless clients, exported as aggregates."""
    mxedges: bool = False
    """Statistics of Mist Edges."""
    org_insights: bool = False
    """Totals and service levels of the organization."""
    device_events: bool = True
    """Change events of devices, such as firmware progress."""
    location: LocationStreams = LocationStreams()
    """Positions on floor plans."""


class WebhookConfig(Section):
    """The webhook listener, which receives Mist's deliveries."""

    enabled: bool = True
    """Run the webhook listener."""
    listen: ListenHostPort = ListenAddress("0.0.0.0", 9734)  # noqa: S104 - Mist connects from outside; signatures authenticate
    """Address and port of the webhook listener."""
    path: HttpPath = "/webhook"
    """Path of the webhook URL that is configured in Mist."""
    secret_files: list[SecretPath] = []
    """Files with a webhook secret each; several during a rotation. Read at each delivery."""
    allow_unsigned: bool = False
    """Accept unsigned deliveries: anyone who can reach the port can then forge events."""
    max_body_bytes: Annotated[int, Field(ge=1024, le=1_000_000_000)] = 10_000_000
    """Maximum size of a delivery; larger ones are answered 413."""
    read_timeout_s: Seconds = 30.0
    """Time within which a delivery must be received completely."""
    allow_sources: list[NetworkRange] = []
    """Networks that may send deliveries, such as those that Mist publishes for its clouds; empty means any."""
    trusted_proxies: list[NetworkRange] = []
    """Reverse proxies in front of the listener; their X-Forwarded-For header is trusted."""
    rate_per_s: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] = 1000.0
    """Maximum requests per second of one source; more are answered 429. 0 means no limit."""
    rate_burst: Annotated[int, Field(ge=1, le=1_000_000)] = 5000
    """Burst size of the request rate limit of one source."""
    max_connections: Annotated[int, Field(ge=8, le=65_536)] = 512
    """Maximum concurrent connections; beyond it the longest idle one is closed. One source may use a quarter."""

    _secrets: tuple[SecretFile, ...] = PrivateAttr(default=())

    def bind(self) -> None:
        """Prepare the secret files; `load` calls it once."""
        self._secrets = tuple(SecretFile(path) for path in self.secret_files)

    def read_secrets(self) -> tuple[bytes, ...]:
        """Return the present webhook secrets. Raises ConfigError if one was never readable."""
        try:
            return tuple(secret.read() for secret in self._secrets)
        except SecretProblem as error:
            raise ConfigError("configuration", [Fault("webhook.secret_files", error.problem, error.remedy)]) from None


class ServerConfig(Section):
    """The operator's listener: /metrics, health endpoints, pages."""

    listen: ListenHostPort = ListenAddress("0.0.0.0", 9733)  # noqa: S104 - Prometheus scrapes from another host
    """Address and port of the operator's listener."""
    web_config_file: SecretPath | None = None
    """TLS, client certificates and users: a file in the format of the Prometheus exporter-toolkit (web-config.yml)."""
    health_open: bool = True
    """Serve the health endpoints without authentication."""
    allow_reload: bool = False
    """Enable POST /-/reload, which reloads the configuration as SIGHUP does."""


class InventoryConfig(Section):
    """The inventory of organizations, sites and devices, read by REST."""

    refresh_s: Annotated[float, Field(ge=1, le=86_400, allow_inf_nan=False)] = 600.0
    """Interval of the inventory in seconds. A token has 5000 REST calls per hour."""


class PollPeriods(Section):
    """Intervals of the polls in seconds. They are stretched, up to twelvefold, if the REST budget does not suffice."""

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
    """REST polls for data that the streams do not provide, the most important first."""

    maps: bool = True
    """Maps and zone outlines, two calls per site; polled only if positions are collected."""
    alarms: bool = True
    """Open alarms of the last seven days."""
    silent_devices: bool = True
    """Disconnected devices, which the streams do not report."""
    ports: bool = True
    """Ports of switches and gateways: bytes, errors, PoE, optics, STP."""
    wan_tunnels: bool = True
    """Tunnels of gateways to other clouds and services."""
    vpn_peers: bool = True
    """Paths between gateways of a VPN: latency, loss, jitter."""
    bgp_peers: bool = True
    """BGP neighbours of gateways."""
    mxedges: bool = True
    """Mist Edges, also if they are not streamed."""
    mxtunnels: bool = True
    """Tunnels that terminate at Mist Edges."""
    org_stats: bool = True
    """Counts of each organization."""
    site_stats: bool = True
    """Counts of each site."""
    sle: bool = True
    """Service levels of each site, for Wi-Fi, wired and WAN: three listings."""
    assets: bool = False
    """Named BLE assets: batteries and temperatures; see the section `assets`."""
    other_devices: bool = True
    """Third-party devices, one call per device, as far as the REST budget allows."""
    zones: bool = True
    """Occupancy of zones as Mist counts it, one call per site, as far as the REST budget allows."""
    rssizones: bool = True
    """Occupancy of RSSI zones as Mist counts it; polled only if positions are collected."""
    budget_share: Annotated[float, Field(gt=0, le=0.45, allow_inf_nan=False)] = 0.4
    """Share of the token's hourly REST calls that all polls together may use; the inventory may use half."""
    every_s: PollPeriods = PollPeriods()
    """Intervals of the polls in seconds."""


class ClientsConfig(Section):
    """Metrics of wireless clients; aggregates only by default. Their channel is enabled under `streams`."""

    per_client: bool = False
    """Export series per client, with the MAC address as a label. Consult your data protection officer first."""
    max_clients: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Maximum number of clients with series; messages of further clients are counted as refused."""


class AssetsConfig(Section):
    """Metrics of BLE assets; aggregates only by default. Their poll is enabled under `polls`."""

    per_asset: bool = False
    """Export series per asset, with MAC address and position."""
    max_assets: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Maximum number of assets with series; records of further assets are counted as refused."""


class ConnectionConfig(Section):
    """WebSocket connections."""

    transport: Literal["websockets", "aiohttp"] = "websockets"
    """Ignored since 0.2.0: remove it. The next release rejects it."""
    max_channels: Annotated[int, Field(ge=1, le=MIST_CHANNEL_LIMIT)] = 1500
    """Channels per connection; Mist rejects more than 2000."""
    open_every_s: Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)] = 0.5
    """Interval between opening two connections, so that a restart causes no burst."""
    ack_timeout_s: Seconds = 10.0
    """Time within which a subscription must be acknowledged."""
    ping_every_s: Seconds = 60.0
    """Interval of WebSocket pings."""
    pong_within_s: Seconds = 45.0
    """Time within which a ping must be answered before the connection is closed."""


class ShardConfig(Section):
    """Sharding: several collectors share the sites; each site is collected by exactly one."""

    index: Annotated[int, Field(ge=0, le=999)] = 0
    """Index of this collector, from 0. `auto` takes the number at the end of the host name, as in a StatefulSet."""
    count: Annotated[int, Field(ge=1, le=1000)] = 1
    """Number of collectors; 1 disables sharding."""

    @model_validator(mode="before")
    @classmethod
    def _ordinal(cls, value: Any) -> Any:
        """Replace `index: auto` with the ordinal of the host name (mist-collector-3 -> 3)."""
        if not isinstance(value, dict) or value.get("index") != "auto":
            return value
        ordinal = socket.gethostname().rpartition("-")[2]
        if not ordinal.isdecimal():
            raise ValueError("index is auto, but the host name does not end in -<number>: set the index")
        return {**value, "index": int(ordinal)}

    @model_validator(mode="after")
    def _within(self) -> Self:
        if self.index >= self.count:
            raise ValueError(
                f"index is {self.index}, but with count {self.count} it must be between 0 and {self.count - 1}"
            )
        return self


class LogConfig(Section):
    """Logging to stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Minimum log level."""
    format: Literal["json", "console"] = "json"
    """`json` writes one JSON object per line; `console` writes text for people."""


class Config(Section):
    """The configuration of one collector."""

    accounts: Annotated[list[AccountConfig], Field(min_length=1)]
    """The Mist accounts to collect, each with its cloud and token."""
    streams: StreamsConfig = StreamsConfig()
    """Which WebSocket channels are subscribed."""
    webhook: WebhookConfig = WebhookConfig()
    """The webhook listener, which receives Mist's deliveries."""
    server: ServerConfig = ServerConfig()
    """The operator's listener."""
    inventory: InventoryConfig = InventoryConfig()
    """The inventory of organizations, sites and devices, read by REST."""
    polls: PollsConfig = PollsConfig()
    """REST polls for data that the streams do not provide."""
    clients: ClientsConfig = ClientsConfig()
    """Metrics of wireless clients; aggregates only by default."""
    assets: AssetsConfig = AssetsConfig()
    """Metrics of BLE assets; aggregates only by default."""
    location: LocationConfig = LocationConfig()
    """Metrics computed from positions; no series identifies a person."""
    events: EventsConfig = EventsConfig()
    """The event history."""
    stream: ConnectionConfig = ConnectionConfig()
    """WebSocket connections."""
    shard: ShardConfig = ShardConfig()
    """The part of the sites that this collector collects."""
    labels: Literal["ids", "inline"] = "ids"
    """`ids`: series carry ids; names are labels of *_info series. `inline`: names are labels of every series, too."""
    log: LogConfig = LogConfig()
    """Logging."""

    _warnings: tuple[str, ...] = PrivateAttr(default=())

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about settings that are allowed but unwise, for the log and for `check-config`."""
        return self._warnings

    def asks(self, poll: str, *, located: bool) -> bool:
        """Return whether a poll is enabled.

        Args:
            poll: name of its switch under `polls`. Named assets enable the poll of assets.
            located: whether it is needed only if positions are collected.
        """
        on: bool = getattr(self.polls, poll) or (poll == "assets" and bool(self.location.named_assets))
        return on and (self.locates or not located)

    @property
    def locates(self) -> bool:
        """Whether positions are collected, by stream or webhook."""
        return any(self.streams.location.model_dump().values()) or self.location.webhook_positions

    def bind(self, environ: Mapping[str, str], warnings: tuple[str, ...]) -> None:
        """Attach what is not in the file; `load` calls it once."""
        self._warnings = warnings
        self.webhook.bind()
        for account in self.accounts:
            account.bind(environ)
