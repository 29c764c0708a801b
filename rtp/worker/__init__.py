"""The hot path between the event log and everything that an event changes."""
