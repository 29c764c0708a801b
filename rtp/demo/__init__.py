"""`rtp demo`: the whole loop on loaded data, with simulated shoppers and a summary of what held."""
