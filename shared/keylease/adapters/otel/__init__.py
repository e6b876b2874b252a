"""OpenTelemetry: spans and metrics for whoever collects them. Needs the extra `otel`."""
