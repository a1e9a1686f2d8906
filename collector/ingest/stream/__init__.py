"""WebSocket streams: transport, connection, pool."""
