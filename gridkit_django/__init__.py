"""GridKit for Django: a data grid that administrators grow with plugins."""

__version__ = "0.1.0"
