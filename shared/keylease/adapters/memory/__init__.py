"""Adapters that keep everything in this process: for tests, trials and simulation."""
