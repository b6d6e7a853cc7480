"""Servers that speak as the vendors document it, and are strict about it: one module for each vendor's rules."""
