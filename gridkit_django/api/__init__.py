"""The HTTP API: a face over the services. It reads, asks the services, and answers; it holds no rule of its own."""
