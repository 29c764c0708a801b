"""Python's garbage collector, set for a process that serves: less often, and never over what stays anyway."""

import gc
import sys

NEWEST_OBJECTS = 50_000
SWITCH_SECONDS = 0.001


def collect_seldom() -> None:
    """Call it once all that stays is loaded: configuration, catalogue, modules.

    With Python's default of 700 new objects a collection runs every few events: a quarter of a fold's time went there.
    Threads (the archiver's) hand the interpreter back after one millisecond instead of five.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEWEST_OBJECTS, 20, 100)
    sys.setswitchinterval(SWITCH_SECONDS)
