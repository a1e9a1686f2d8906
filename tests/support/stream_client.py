"""A WebSocket client of the simulated stream."""

from __future__ import annotations

import json

from websockets.asyncio.client import connect

AUTHORIZED = {"Authorization": "Token sim-token"}


def connect_to(cloud, **changes):
    """Connect to the stream of a cloud; the queue is unlimited, so that a close frame arrives behind unread frames."""
    defaults = {"additional_headers": AUTHORIZED, "compression": None, "max_queue": None}
    return connect(cloud.stream_url, **(defaults | changes))


async def request(client, action, channel):
    """Send a subscribe or unsubscribe message; return the next frame."""
    await client.send(json.dumps({action: channel}))
    return json.loads(await client.recv())


async def subscribe(client, *channels):
    """Subscribe to channels and wait for the acknowledgements."""
    for channel in channels:
        assert (await request(client, "subscribe", channel))["event"] == "channel_subscribed"


def device_channels(cloud):
    """Return the device channels of the sites of the first org."""
    org_id = cloud.fleet.orgs()[0]["id"]
    return [f"/sites/{site['id']}/stats/devices" for site in cloud.fleet.sites(org_id)]
