"""A Mist cloud on loopback: REST, stream and webhook sender over a fleet with a life of its own."""
