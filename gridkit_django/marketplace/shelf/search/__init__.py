"""Finding plugins: one question, one backend for each kind of database, the same answers."""
