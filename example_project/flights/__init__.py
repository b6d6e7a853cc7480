"""All flights that left New York City in 2013, as five tables, five grids, three users and one command."""
