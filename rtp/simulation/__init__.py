"""Everything that is not real, in one place: the companion data and the shoppers."""
