"""The marketplace that the demo serves, and installs from."""
