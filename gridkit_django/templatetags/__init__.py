"""Face: template tags that put a grid on a page."""
