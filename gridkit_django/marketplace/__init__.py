"""The marketplace: what a package must be, whom it is believed, who lists it, and how a site installs it."""
