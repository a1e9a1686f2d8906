"""WebSocket streams: frame reader, transport, connection, pool."""
