"""`python -m rtp` is the `rtp` command."""

from rtp.cli import main

main()
