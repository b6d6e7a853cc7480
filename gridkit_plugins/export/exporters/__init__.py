"""One module per format; each is imported when its format is first asked for."""
