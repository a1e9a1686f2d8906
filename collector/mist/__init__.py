"""Mist's language, pure: bytes and times go in, events and frames come out. No I/O, no clock, no event loop."""
