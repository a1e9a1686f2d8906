"""The words of the dashboards' queries, and the sentences that several panels share."""

from __future__ import annotations

COLLECTOR = 'job=~"$job", instance=~"$instance"'
ORG = f'{COLLECTOR}, org_id=~"$org"'
SITE = f'{ORG}, site_id=~"$site"'
DEVICE = f'{SITE}, mac=~"$device"'

SELECTORS = {"in_collector": COLLECTOR, "in_org": ORG, "in_site": SITE, "in_device": DEVICE}
"""What stands as <in_site> in a query: the matchers of the dashboard's variables."""

NO_RULES = "No data: the recording rules are not loaded, or nothing is scraped yet"
NOT_STREAMED = "No data because nothing of this kind has spoken: no such device here, or its stream is off (streams)"
NOT_POLLED = (
    "No data because it is polled by REST: up to 5 minutes after the start, never where the poll is off (polls)"
)
NO_EVENTS = "No data because no such event came: quiet, or webhooks are not configured at Mist"
NO_CLIENTS = "No data because clients are not streamed: set streams.clients, or nobody is connected"
ALL_WELL = "Nothing: all is well, or the rules are not loaded"
