"""Benchmarks of the plugin runtime, each beside the named thing in the same run."""
