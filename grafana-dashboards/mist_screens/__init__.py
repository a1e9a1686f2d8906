"""Recording rules, alerts and Grafana dashboards as code, rendered from one settings file."""
