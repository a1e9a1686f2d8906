"""All objects that a table alone describes. A module of tables with `OBJECTS` has one line here."""

from __future__ import annotations

from collector.catalog import gateway_ports, insights, location, mxedge, sites, sle, switch_ports, totals, wan

OBJECTS = (
    *sites.OBJECTS,
    *gateway_ports.OBJECTS,
    *switch_ports.OBJECTS,
    *wan.OBJECTS,
    *insights.OBJECTS,
    *mxedge.OBJECTS,
    *totals.OBJECTS,
    *sle.OBJECTS,
    *location.OBJECTS,
)
