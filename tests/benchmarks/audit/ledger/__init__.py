"""An app of the audit benchmarks: the same ten-field table once for each way to record its changes."""
