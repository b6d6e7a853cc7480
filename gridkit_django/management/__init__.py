"""Management commands: faces for people at a terminal."""
