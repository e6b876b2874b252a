"""keylease: time-boxed access to message brokers and caches, leased and proven."""
