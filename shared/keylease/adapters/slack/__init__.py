"""Slack: slash commands, buttons and mentions in, messages out."""
