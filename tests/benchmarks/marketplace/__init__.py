"""Benchmarks of the marketplace."""
