"""The REST client and everything that is polled."""
