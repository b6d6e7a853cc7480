"""The audit trail beside its peers: what it costs to write and to read."""
