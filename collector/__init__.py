"""mist-collector: Juniper Mist streams and webhooks, turned into Prometheus metrics."""

__version__ = "0.1.0"
