"""Values and state machines: pure, no I/O, no clock (`now` is an argument)."""
