"""What consumes events: at present the list of recent events on the status page."""
