"""Not installed, as far as the processes of the routes can see."""

raise ModuleNotFoundError("No module named 'requests'", name="requests")
