"""CloudEvents 1.0 over HTTP: requests from queues, buses and services."""
