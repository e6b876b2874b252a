"""One package per outside system; none knows another; only `runtime.wiring` picks."""
