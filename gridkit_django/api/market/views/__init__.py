"""The endpoints of the marketplace."""
