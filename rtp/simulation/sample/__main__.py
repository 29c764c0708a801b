"""`python -m rtp.simulation.sample DIR`: makes the committed sample again."""

import sys
from pathlib import Path

from rtp.simulation.sample.world import make_world
from rtp.simulation.sample.write import write_sample

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m rtp.simulation.sample DIR")
    write_sample(Path(sys.argv[1]), make_world())
