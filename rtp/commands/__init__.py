"""The sub-commands of `rtp`, one module a group; heavy imports wait until a command runs."""
