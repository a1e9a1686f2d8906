"""Tables of series, their store and their exposition for Prometheus. Independent of transports and of Mist."""
