"""The NOC's screens as code: rules, alerts and dashboards, fitted to an installation by one settings file."""
