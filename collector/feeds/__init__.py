"""Feeds apply payloads to the store with the tables of the catalogue."""
