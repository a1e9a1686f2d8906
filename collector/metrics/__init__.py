"""Prometheus' language: tables of series, their store and their exposition. Knows no transport and no Mist."""
