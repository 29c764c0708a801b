"""Events in: parse, validate, quarantine; the event log."""
