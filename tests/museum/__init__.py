"""A museum: one table per way in which Django stores rows, for the tests of the audit trail."""
