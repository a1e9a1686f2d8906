"""Mist's protocol and vocabulary as pure functions and state machines. No I/O, no clock, no event loop."""
