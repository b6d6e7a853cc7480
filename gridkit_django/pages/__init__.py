"""Face: the ready pages, so that a declared grid is usable with no front-end work at all."""
