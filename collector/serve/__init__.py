"""The operator's side: /metrics, health, readiness, the status page."""
