"""What both HTTP listeners share: connection limits, client address, TLS, authentication, headers."""
