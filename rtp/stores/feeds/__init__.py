"""Feed files in and out of the lake."""
