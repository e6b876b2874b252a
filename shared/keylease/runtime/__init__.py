"""What turns handlers into a running system: settings, logging, wiring, process."""
