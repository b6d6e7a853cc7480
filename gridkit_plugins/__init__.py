"""The official plugins, written through the same public doors as everybody else's."""
