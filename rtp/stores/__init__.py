"""The I/O: one file per port and technology."""
