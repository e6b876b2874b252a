"""Sinks: where result events go."""
