"""Fragments folded from events, combined into the customer; consent."""
