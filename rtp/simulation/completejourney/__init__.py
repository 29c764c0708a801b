"""The Complete Journey, a real grocer's year (84.51°-derived), as ordinary feed files."""
