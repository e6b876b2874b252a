"""NATS JetStream: carries parcels between processes. See `ports.transport`."""
