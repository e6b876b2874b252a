"""Adapters for what the machine itself gives: time, randomness, ciphers, HTTP."""
