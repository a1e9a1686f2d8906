"""The configuration file that `init` writes: the keys that most installations need, with comments."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from collector.mist import clouds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.mist.clouds import Cloud

CONFIG_FILE = "collector.yaml"
SECRETS_DIRECTORY = "secrets"  # the systemd unit passes it on with LoadCredential=
TOKEN_FILE = f"{SECRETS_DIRECTORY}/mist-token"
WEBHOOK_SECRET_FILE = f"{SECRETS_DIRECTORY}/webhook-secret"

_TEMPLATE = """\
# Written by `mist-collector init`. Validate it after a change: mist-collector check-config {file}
# docs/configuration.md describes all keys with their defaults; `mist-collector schema` provides completion for editors.

accounts:
  - name: main # any name; a label of the collector's own metrics
{cloud}
    token_file: {token} # one line; read again at each use, so the token can be replaced while the collector runs
    orgs: {orgs} # organisation ids; empty: all organisations of the token
    sites: # ids or names, with wildcards * and ?
      include: {sites} # empty: all sites
      exclude: []

streams: # WebSocket channels to subscribe to
  devices: true # access points, switches, gateways
  clients: true # wireless clients, exported as counts without names and addresses
  mxedges: true # Mist Edges
  org_insights: true # totals per organisation
  device_events: true # firmware progress

webhook: # receives events from Mist; requires an address that Mist can reach, see docs/mist.md
  enabled: {webhook}
  listen: "0.0.0.0:9734"
  path: /webhook
  secret_files: {secrets} # the secret of the webhook at Mist; during a rotation the previous one second

server: # /metrics for Prometheus, status page, health checks
  listen: "0.0.0.0:9733"

log:
  level: info
  format: json # or console
"""


def render(cloud: Cloud, org_ids: Sequence[str], sites: Sequence[str], *, webhook: bool) -> str:
    """Return the text of the configuration file.

    Args:
        cloud: A cloud of `clouds.CLOUDS`, or one with other addresses.
        org_ids: Organisations to collect; empty for all.
        sites: Sites to collect, ids or names with wildcards; empty for all.
        webhook: Whether webhooks are received.
    """
    if cloud.name in clouds.CLOUDS:
        address = f"    cloud: {cloud.name} # the cloud of the organisation"
    else:
        address = f"    api_url: {json.dumps(cloud.api_url)}\n    stream_url: {json.dumps(cloud.stream_url)}"
    return _TEMPLATE.format(
        file=CONFIG_FILE,
        cloud=address,
        token=TOKEN_FILE,
        orgs=json.dumps(list(org_ids)),
        sites=json.dumps(list(sites), ensure_ascii=False),
        webhook="true" if webhook else "false",
        secrets=json.dumps([WEBHOOK_SECRET_FILE] if webhook else []),
    )
