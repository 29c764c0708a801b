"""The two streams of a terminal program."""

from rich.console import Console

console = Console()
progress_console = Console(stderr=True)
"""Progress and remarks, so that what is printed as JSON stays clean."""
