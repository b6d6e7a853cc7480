"""Exports beside the database's own limit, plain Python, and what other packages do."""
