"""The store in PostgreSQL 16 or later: any number of processes on any number of machines."""
