"""The store in one SQLite file on a local disk (WAL does not work over a network)."""
