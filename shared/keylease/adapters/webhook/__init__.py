"""The generic signed webhook: what a ticket tool's script sends."""
