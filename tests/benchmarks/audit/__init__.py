"""The grid engine beside bare SQL and beside its peers, on one large table of PostgreSQL."""
