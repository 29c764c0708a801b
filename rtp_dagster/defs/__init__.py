"""Dagster definitions, one module a stage."""
