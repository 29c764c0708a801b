"""What can be promised: stock positions, movements, reservations."""
