"""Promises that adapters keep, one Protocol per file; the contract suites in tests hold them to it."""
