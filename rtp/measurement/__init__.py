"""Exposures and outcomes joined back to decisions."""
