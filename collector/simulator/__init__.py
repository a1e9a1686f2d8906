"""A simulated Mist cloud on loopback: REST API, stream and webhook sender over a simulated fleet."""
