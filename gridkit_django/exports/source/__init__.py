"""Where the rows of an export come from: the grid's own question, read in ranges of its order."""
