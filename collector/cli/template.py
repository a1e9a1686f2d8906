"""The configuration that `init` writes: what most need, with the reason beside each key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from collector.mist import clouds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.mist.clouds import Cloud

CONFIGURATION = "collector.yaml"
SECRETS = "secrets"  # the folder that the systemd unit hands over with LoadCredential=
TOKEN = f"{SECRETS}/mist-token"
SECRET = f"{SECRETS}/webhook-secret"

_TEXT = """\
# Written by `mist-collector init`. Check it after a change: mist-collector check-config {file}
# Every key, with its default and what it means, is in docs/configuration.md; for completion in an editor see
# `mist-collector schema`.

accounts:
  - name: main # your word for it; a label on the collector's own metrics
{cloud}
    token_file: {token} # alone on one line; read again at each use, so it may be replaced while the collector runs
    orgs: {orgs} # organisation ids; empty: every organisation that the token reaches
    sites: # by id or name, * and ? allowed
      include: {sites} # empty: all sites
      exclude: []

streams: # what is subscribed on Mist's stream
  devices: true # access points, switches, gateways
  clients: true # wireless clients, exported as counts: no name and no address of anybody
  mxedges: true # Mist Edges
  org_insights: true # totals of the organisation
  device_events: true # firmware progress

webhook: # where Mist posts its events; it needs an address that Mist can reach, see docs/mist.md
  enabled: {webhook}
  listen: "0.0.0.0:9734"
  path: /webhook
  secret_files: {secrets} # the same secret as in Mist's webhook; while it is exchanged, the old one second

server: # /metrics for Prometheus, the status page, health
  listen: "0.0.0.0:9733"

log:
  level: info
  format: json # console: lines for people
"""


def configuration(cloud: Cloud, org_ids: Sequence[str], sites: Sequence[str], *, webhook: bool) -> str:
    """The text of collector.yaml."""
    if cloud.name in clouds.CLOUDS:
        where = f"    cloud: {cloud.name} # the cloud that the organisation lives in"
    else:
        where = f"    api_url: {json.dumps(cloud.api_url)}\n    stream_url: {json.dumps(cloud.stream_url)}"
    return _TEXT.format(
        file=CONFIGURATION,
        cloud=where,
        token=TOKEN,
        orgs=json.dumps(list(org_ids)),
        sites=json.dumps(list(sites), ensure_ascii=False),
        webhook="true" if webhook else "false",
        secrets=json.dumps([SECRET] if webhook else []),
    )
