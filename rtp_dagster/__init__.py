"""Orchestration only: assets fetch, call one engine function and report."""
