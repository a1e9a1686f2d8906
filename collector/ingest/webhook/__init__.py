"""The webhook endpoint."""
