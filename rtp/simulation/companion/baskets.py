"""Through which channel a basket came: the data set has only stores."""

from rtp.simulation.companion.draws import between, uniform
from rtp.simulation.completejourney.source import Source

ONLINE_HOUSEHOLDS = 0.45
"""So many households sometimes order on line; the store is then the one that fulfilled the order."""


def basket_channels(source: Source) -> str:
    """basket_id, channel: one row a basket."""
    baskets = f"SELECT DISTINCT household_id, basket_id FROM {source.table('transactions')}"
    channel = channel_sql("household_id", "basket_id")
    return f"SELECT basket_id, {channel} AS channel FROM ({baskets}) ORDER BY basket_id"


def channel_sql(household: str, basket: str) -> str:
    """SQL of web, app or store: each household that orders on line has its own share and its own favourite."""
    share = between(0.1, 0.7, "online share", household)
    online = f"{uniform('online', household)} < {ONLINE_HOUSEHOLDS} AND {uniform('basket', basket)} < {share}"
    app = f"{uniform('app or web', basket)} < {between(0.1, 0.9, 'app share', household)}"
    return f"CASE WHEN NOT ({online}) THEN 'store' WHEN {app} THEN 'app' ELSE 'web' END"
