"""Triggers, the outbox and the channels that decisions are delivered through."""
