"""What is on the shelves on one evening: the data set has no stock."""

from datetime import datetime

from rtp.signals.feeds.schema_sql import literal
from rtp.simulation.companion.draws import between, uniform, whole
from rtp.simulation.companion.places import WAREHOUSE
from rtp.simulation.completejourney.real import FUEL, quantity_sql
from rtp.simulation.completejourney.source import Source

WEEKS = 13
LINES_OF_A_STORE = 5_000
"""A store with fewer lines a year (of all households) has no counts."""
SALES_FOR_THE_WAREHOUSE = 2
SOLD_OUT, LOW = 0.06, 0.14
"""Shares: nothing left; nothing or one to three left."""


def sales(source: Source, share: float) -> str:
    """store_id, product_id, sales, units of the last 13 weeks; `share` of all households is in the source."""
    return f"""
        WITH t AS (SELECT * FROM {source.table("transactions")}),
        large AS (SELECT store_id FROM t GROUP BY 1 HAVING count(*) >= {round(LINES_OF_A_STORE * share)}),
        recent AS (
            SELECT t.store_id, t.product_id, count(*) AS sales, sum({quantity_sql()}) AS units
            FROM t LEFT JOIN {source.table("products")} p USING (product_id)
            WHERE t.transaction_timestamp > (SELECT max(transaction_timestamp) FROM t) - INTERVAL {WEEKS * 7} DAY
              AND p.product_type IS DISTINCT FROM '{FUEL}' AND t.quantity > 0
            GROUP BY ALL)
        SELECT CAST(store_id AS VARCHAR) AS store_id, product_id, sales, units FROM recent JOIN large USING (store_id)
        UNION ALL
        SELECT '{WAREHOUSE}', product_id, sum(sales), sum(units) FROM recent GROUP BY product_id
        HAVING sum(sales) >= {SALES_FOR_THE_WAREHOUSE}
    """


def inventory(source: Source, share: float, counted_at: datetime) -> str:
    """A count of every product in every larger store where it sold lately, and in the warehouse."""
    pair = ("s.store_id", "s.product_id")
    covered = f"units / {WEEKS * 7}.0 * {between(5, 30, 'days of cover', *pair)}"
    spare = whole(2, 12, "spare", *pair)
    return f"""
        SELECT store_id, CAST(product_id AS VARCHAR) AS product_id, {_moment(counted_at)} AS counted_at,
               CASE WHEN drawn < {SOLD_OUT} THEN 0 WHEN drawn < {LOW} THEN {whole(1, 3, "low", *pair)}
                    ELSE CAST(ceil({covered}) AS BIGINT) + {spare} END AS quantity,
               'on_hand' AS basis, row_number() OVER (ORDER BY store_id, product_id) AS _row
        FROM (SELECT *, {uniform("stock", *pair)} AS drawn FROM ({sales(source, share)}) s) s ORDER BY _row
    """


def inbound(source: Source, share: float, counted_at: datetime) -> str:
    """Most of what is sold out or nearly so is on its way, one to five days out."""
    pair = ("s.store_id", "s.product_id")
    return f"""
        SELECT store_id, CAST(product_id AS VARCHAR) AS product_id,
               {_moment(counted_at)} + INTERVAL 1 DAY * {whole(1, 5, "due", *pair)} - INTERVAL 12 HOUR AS expected_at,
               CAST(ceil(units / {WEEKS * 7}.0 * 14) AS BIGINT) + {whole(6, 24, "ordered", *pair)} AS quantity,
               row_number() OVER (ORDER BY store_id, product_id) AS _row
        FROM (SELECT *, {uniform("stock", *pair)} AS drawn FROM ({sales(source, share)}) s) s
        WHERE drawn < {LOW} AND {uniform("on its way", *pair)} < 0.7 ORDER BY _row
    """


def _moment(at: datetime) -> str:
    return f"TIMESTAMPTZ {literal(at.isoformat())}"
