"""The running process: wiring, accounts, reload, supervision, readiness."""
