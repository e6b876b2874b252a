"""Promises that adapters keep, one Protocol per file; contract suites hold them to it."""
