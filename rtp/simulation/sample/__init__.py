"""A miniature retailer of our own making, for tests: `python -m rtp.simulation.sample DIR` writes its files.

Everything is drawn from one seed and ends on a fixed day, so that the committed files can be made again.
People have habits, categories have seasons, some products go together, promotions work, some customers lapse.
"""

from rtp.simulation.sample.world import LAST_DAY, SEED, World, make_world

__all__ = ["LAST_DAY", "SEED", "World", "make_world"]
