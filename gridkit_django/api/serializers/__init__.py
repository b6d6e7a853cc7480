"""The bodies that cross the wire, one module per resource: they check what comes in and describe what goes out."""
