"""The feature vector of each candidate: one function for serving, training and benchmarks.

NaN is "unknown" or "never"; the model learns what that means. Every model's manifest names the columns it was trained
on; it is given these, and refused if there is one that is not among FEATURES any more.
"""

from functools import lru_cache

import numpy as np

from rtp.decisioning.candidates import Candidates, Context, looked_up
from rtp.decisioning.catalog import CUSTOMER_STATS, PRODUCT_STATS, Catalog, Floats, Habits, daypart
from rtp.decisioning.live_columns import LIVE_COLUMNS, live_values

DAY = 86_400.0
UNKNOWN = float("nan")

FEATURES = (
    # the customer and this product
    "own_baskets", "own_rate", "own_decayed", "own_decayed_share", "own_baskets_since", "own_days_since",
    "own_gap_days", "own_due",
    # the customer and products like it
    "companion", "kindred", "context", "category_share", "department_share", "brand_share", "category_baskets_since",
    "category_recent_share", "price_against_usual",
    # the store and the hour
    "store_share", "favourite_store_share", "daypart_lift", "hour", "weekday",
    # the product
    *(f"product_{name}" for name in PRODUCT_STATS),
    # the customer
    *(f"customer_{name}" for name in ("baskets", "mean_gap_days", "mean_lines", "log_price", "discount_share")),
    "customer_days_since", "customer_products",
    # what the customer does now
    *LIVE_COLUMNS,
)  # fmt: skip
COLUMN = {name: column for column, name in enumerate(FEATURES)}
STAT = {name: column for column, name in enumerate(CUSTOMER_STATS)}
LOG_PRICE = PRODUCT_STATS.index("log_price")
RECENT_BASKETS = 5


def vectors(catalog: Catalog, habits: Habits | None, found: Candidates, context: Context) -> Floats:
    """One row a candidate, columns as FEATURES."""
    matrix = np.full((len(found.product), len(FEATURES)), np.nan, np.float32)
    matrix[:, COLUMN["companion"]] = found.companion
    matrix[:, COLUMN["context"]] = found.context if context.seeds else UNKNOWN
    place_and_time(matrix, catalog, found, context)
    matrix[:, -len(LIVE_COLUMNS) :] = live_values(context.live, context.at)
    first = COLUMN[f"product_{PRODUCT_STATS[0]}"]
    matrix[:, first : first + len(PRODUCT_STATS)] = catalog.products.stats[found.product]
    if habits is not None:
        own_history(matrix, habits, found, context.at)
        affinities(matrix, catalog, habits, found)
        customer(matrix, habits, context.at)
        matrix[:, COLUMN["favourite_store_share"]] = store_share(catalog, found, habits.favourite_store)
    return matrix


def chosen(matrix: Floats, features: tuple[str, ...]) -> Floats:
    """These columns of a matrix that has all of FEATURES."""
    columns = _columns(features)
    return matrix if columns is None else np.ascontiguousarray(matrix[:, columns])


@lru_cache(maxsize=16)
def _columns(features: tuple[str, ...]) -> list[int] | None:
    return None if features == FEATURES else [COLUMN[name] for name in features]


def own_history(matrix: Floats, habits: Habits, found: Candidates, at: int) -> None:
    """How often, how lately, and whether it is due again."""
    position = np.minimum(np.searchsorted(habits.product, found.product), max(len(habits.product) - 1, 0))
    rows = np.flatnonzero(habits.product[position] == found.product) if len(habits.product) else np.empty(0, np.intp)
    own = position[rows]
    baskets, last = habits.baskets[own], habits.last_at[own]
    total = max(float(habits.stats[STAT["baskets"]]), 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.where(baskets > 1, (last - habits.first_at[own]) / DAY / (baskets - 1), np.nan)
        due = np.where(gap > 0, (at - last) / DAY / gap, np.nan)
    columns = {
        "own_baskets": baskets,
        "own_rate": baskets / total,
        "own_decayed": habits.decayed[own],
        "own_decayed_share": habits.decayed[own] / max(float(habits.decayed.sum()), 1e-6),
        "own_baskets_since": habits.since[own],
        "own_days_since": (at - last) / DAY,
        "own_gap_days": gap,
        "own_due": due,
    }
    matrix[:, [COLUMN["own_baskets"], COLUMN["own_rate"], COLUMN["own_decayed"], COLUMN["own_decayed_share"]]] = 0
    for name, values in columns.items():
        matrix[rows, COLUMN[name]] = values


def affinities(matrix: Floats, catalog: Catalog, habits: Habits, found: Candidates) -> None:
    """How much of the customer's habits lies in the candidate's category, department and brand."""
    products, total = catalog.products, max(float(habits.decayed.sum()), 1e-6)
    for name, code in (
        ("category", products.category), ("department", products.department), ("brand", products.brand),
    ):  # fmt: skip
        own, wanted = code[habits.product], code[found.product]
        width = int(max(own.max(initial=-1), wanted.max(initial=-1))) + 2
        share = np.bincount(own + 1, weights=habits.decayed, minlength=width) / total
        matrix[:, COLUMN[f"{name}_share"]] = np.where(wanted >= 0, share[wanted + 1], np.nan)
        if name == "category":
            since = np.full(width, np.nan)
            np.fmin.at(since, own + 1, habits.since)
            matrix[:, COLUMN["category_baskets_since"]] = np.where(wanted >= 0, since[wanted + 1], np.nan)
            recent = np.bincount(own + 1, weights=habits.since < RECENT_BASKETS, minlength=width)
            held = np.bincount(own + 1, minlength=width)
            matrix[:, COLUMN["category_recent_share"]] = (recent / np.maximum(held, 1))[wanted + 1]
    matrix[:, COLUMN["kindred"]] = looked_up(found.product, *habits.kindred)
    usual = habits.stats[STAT["log_price"]]
    matrix[:, COLUMN["price_against_usual"]] = products.stats[found.product, LOG_PRICE] - usual


def customer(matrix: Floats, habits: Habits, at: int) -> None:
    """The customer's own figures, the same in each row."""
    for name in ("baskets", "mean_gap_days", "mean_lines", "log_price", "discount_share"):
        matrix[:, COLUMN[f"customer_{name}"]] = habits.stats[STAT[name]]
    matrix[:, COLUMN["customer_days_since"]] = (at - habits.stats[STAT["last_at"]]) / DAY
    matrix[:, COLUMN["customer_products"]] = len(habits.product)


def place_and_time(matrix: Floats, catalog: Catalog, found: Candidates, context: Context) -> None:
    """What sells here, and at this time of the week (UTC, as the purchases it is learned from)."""
    if context.store is not None:
        matrix[:, COLUMN["store_share"]] = store_share(catalog, found, context.store)
    matrix[:, COLUMN["daypart_lift"]] = catalog.products.dayparts[found.product, daypart(context.at)]
    matrix[:, COLUMN["hour"]] = context.at % 86_400 // 3_600
    matrix[:, COLUMN["weekday"]] = (context.at // 86_400 + 3) % 7


def store_share(catalog: Catalog, found: Candidates, store: int) -> Floats:
    """The share of a store's baskets that hold each candidate; NaN where no store is known."""
    if store < 0:
        return np.full(len(found.product), np.nan, np.float32)
    return looked_up(found.product, *catalog.stores.sales.row(store))
