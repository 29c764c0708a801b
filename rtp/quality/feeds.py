"""The suites of the incoming feeds, built on their contracts in `rtp.signals.feeds`."""

import msgspec

from rtp.quality.suite import Family, Range, TableSuite
from rtp.signals.feeds import CONTRACTS, TableContract

ROW_NAME = ("_file", "_row")
"""The source file and line: names a row to the retailer, and tells nothing about a person."""

STALE_HOURS = 14 * 24.0
"""Two weeks: the demonstration's dates, moved by whole weeks, may end a week back on the first day."""

_MORE: dict[str, TableSuite] = {
    suite.table: suite
    for suite in (
        TableSuite(
            layer="feeds",
            table="order_lines",
            unique=(),
            key=("order_id", "line_id"),
            min_rows=1,
            # Most retailers do not know every buyer; more than this and personalization has nothing to stand on.
            max_missing={"customer_ref": 0.8, "store_id": 0.2},
            ranges={"net_amount": Range(min=-10_000, max=100_000), "quantity": Range(min=0, max=1_000_000)},
            time="ordered_at",
            max_age_hours=STALE_HOURS,
            drift=("net_amount", "quantity", "channel"),
        ),
        TableSuite(
            layer="feeds",
            table="products",
            unique=(),
            key=("product_id",),
            min_rows=1,
            max_missing={"category": 0.5},
            drift=("list_price",),
        ),
        TableSuite(
            layer="feeds",
            table="inventory",
            unique=(),
            key=("store_id", "product_id"),
            ranges={"quantity": Range(min=0, mostly=0.95)},
            time="counted_at",
            max_age_hours=STALE_HOURS,
            max_ahead_hours=1.0,
            drift=("quantity",),
        ),
        TableSuite(
            layer="feeds",
            table="consents",
            unique=(),
            key=(),
            drift=("purpose", "status"),
            # A change of mind is no defect: consents move when a retailer asks anew.
            warn_only=(Family.DRIFT,),
        ),
        TableSuite(layer="feeds", table="stores", unique=(), key=("store_id",)),
        TableSuite(layer="feeds", table="inbound", unique=(), key=("store_id", "product_id")),
        TableSuite(layer="feeds", table="offers", unique=(), key=("offer_id",)),
        TableSuite(layer="feeds", table="offer_products", unique=(), key=("offer_id", "product_id")),
        TableSuite(layer="feeds", table="promotions", unique=(), key=("product_id", "store_id")),
    )
}


def feed_suites() -> dict[str, TableSuite]:
    """One suite per feed table, by its name: what its contract promises, and the limits above."""
    return {table: _with_contract(contract) for table, contract in CONTRACTS.items()}


def _with_contract(contract: TableContract) -> TableSuite:
    base = _MORE.get(contract.name) or TableSuite(layer="feeds", table=contract.name, unique=(), key=())
    required = dict.fromkeys(contract.required_columns, 0.0)
    limits = {
        column.name: Range(min=column.minimum, max=column.maximum)
        for column in contract.columns
        if column.minimum is not None or column.maximum is not None
    }
    # Of two rows with the same keys in different deliveries the later stands; within one it is a defect.
    return msgspec.structs.replace(
        base,
        unique=("delivery", *contract.keys),
        key=(*base.key, *ROW_NAME),
        max_missing={**base.max_missing, **required},
        ranges={**limits, **base.ranges},
        choices={column.name: column.choices for column in contract.columns if column.choices},
    )
