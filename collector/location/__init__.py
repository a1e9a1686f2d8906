"""Live floors: position, zones and dwell time of clients and assets, identified by hashes in memory only."""
