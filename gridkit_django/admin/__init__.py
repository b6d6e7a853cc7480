"""Face: the Django admin. Everything here translates; the services of the rooms below decide."""
