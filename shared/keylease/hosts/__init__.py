"""Bytes in, verdict out: the only place that knows HTTP statuses, timers and the loop."""
