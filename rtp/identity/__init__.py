"""Identifiers become one customer: rules, merge, unmerge."""
