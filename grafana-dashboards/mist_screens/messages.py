"""No-value messages that several panels share: why a panel is empty, and what to configure."""

from __future__ import annotations

NO_RULES = "No data: the recording rules are not loaded, or the collector has not been scraped yet"
NOT_STREAMED = "No data: no such device, or its stream is disabled (streams)"
NOT_POLLED = "No data: REST polls need up to 5 minutes after a start; disabled polls have no data (polls)"
NO_EVENTS = "No data: no such event received, or webhooks are not configured in Mist"
NO_CLIENTS = "No data: no client is connected, or client streams are disabled (streams.clients)"
NO_ALARMS = "No data: no open alarm, or alarms are neither polled (polls.alarms) nor received as webhooks"
NO_PROBLEM = "None, or the rules are not loaded"
