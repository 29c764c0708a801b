"""The HTTP app: routes, keys and pages."""
