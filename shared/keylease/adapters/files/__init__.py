"""Catalog, directory and policy in files."""
