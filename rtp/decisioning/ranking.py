"""The ranking of a moment: candidates → vector → score → value, in one pure function."""

from collections.abc import Sequence
from math import isnan

import numpy as np
import numpy.typing as npt

from rtp.decisioning.candidates import Candidates, Context, candidates
from rtp.decisioning.catalog import Catalog, Floats, Habits
from rtp.decisioning.moment import Ranked, Signal
from rtp.decisioning.policy import Policy
from rtp.decisioning.score import Ranker, by_context, by_frequency
from rtp.decisioning.vector import COLUMN, vectors
from rtp.features.values import FeatureRow

POPULAR_RANK = 100.0
SEEDS = 12


def context_of(
    catalog: Catalog,
    *,
    at: int,
    store_id: str | None,
    product_id: str | None,
    viewed: Sequence[str] = (),
    cart: Sequence[str] = (),
    live: FeatureRow = {},  # noqa: B006 - never changed
) -> Context:
    """The context in the catalogue's indexes; ids it does not know are left out. `at` in microseconds."""
    looked_at = [index for value in viewed if (index := catalog.product(value)) is not None]
    others = [product_id, *cart] if product_id else cart
    seeds = [index for value in others if (index := catalog.product(value)) is not None]
    return Context(
        at=at // 1_000_000,
        store=catalog.store(store_id) if store_id else None,
        seeds=tuple(dict.fromkeys([*seeds, *looked_at]))[:SEEDS],
        viewed=tuple(dict.fromkeys(looked_at))[:SEEDS],
        live=live,
    )


def rank(
    catalog: Catalog, ranker: Ranker | None, policy: Policy, habits: Habits | None, context: Context
) -> tuple[tuple[Ranked, ...], int]:
    """The ranking, best first, and how many candidates there were."""
    found = candidates(catalog, habits, context)
    matrix = vectors(catalog, habits, found, context)
    probability = intended(probabilities(ranker, habits, matrix), matrix, found, context, policy)
    price, cost = catalog.products.price[found.product], catalog.products.cost[found.product]
    margin = np.where(np.isnan(cost), price * policy.default_margin_rate, price - cost)
    # A product whose price nobody knows is worth its probability alone.
    value = np.where(np.isnan(margin), probability, probability * margin)
    key = value if policy.order_by == "expected_value" else probability
    order = np.lexsort((found.product, -probability, -key))[: policy.ranking_size]
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = np.where(np.isnan(cost), np.nan, (price - cost) / price)
    return told(catalog, matrix[order], found.product[order], probability[order], value[order], rate[order],
                signals(matrix, found, context)[order]), len(found.product)  # fmt: skip


def probabilities(ranker: Ranker | None, habits: Habits | None, matrix: Floats) -> Floats:
    """From the model where there is one and a history to apply it to."""
    if habits is None:
        return by_context(matrix)
    return by_frequency(matrix) if ranker is None else ranker.probabilities(matrix)


def intended(probability: Floats, matrix: Floats, found: Candidates, context: Context, policy: Policy) -> Floats:
    """Either of habit, what was looked at, what goes along: 1 - (1 - p)(1 - viewed)(1 - goes with)."""
    if not context.seeds:
        return probability
    along = policy.intent.goes_with * np.minimum(np.nan_to_num(matrix[:, COLUMN["context"]]), 1)
    looked = policy.intent.viewed * np.isin(found.product, context.viewed)
    return np.asarray(1 - (1 - probability) * (1 - along) * (1 - looked), np.float32)


def signals(matrix: Floats, found: Candidates, context: Context) -> npt.NDArray[np.int64]:
    """Bits of Signal for each candidate."""
    bits = np.zeros(len(found.product), np.int64)
    for bit, holds in (
        (Signal.HABIT, matrix[:, COLUMN["own_baskets"]] > 0),
        (Signal.COMPANION, matrix[:, COLUMN["companion"]] > 0),
        (Signal.KINDRED, matrix[:, COLUMN["kindred"]] > 0),
        (Signal.CONTEXT, matrix[:, COLUMN["context"]] > 0),
        (Signal.STORE, matrix[:, COLUMN["store_share"]] > 0),
        (Signal.POPULAR, matrix[:, COLUMN["product_log_rank"]] <= np.log1p(POPULAR_RANK)),
        (Signal.VIEWED, np.isin(found.product, context.viewed)),
    ):
        bits |= np.where(holds, bit, 0)
    return bits


def told(
    catalog: Catalog,
    matrix: Floats,
    product: npt.NDArray[np.int32],
    probability: Floats,
    value: Floats,
    rate: Floats,
    bits: npt.NDArray[np.int64],
) -> tuple[Ranked, ...]:
    """The rows as plain values."""
    ids = catalog.products.ids[product].tolist()
    columns = [
        probability.tolist(), value.tolist(), known(rate),
        np.nan_to_num(matrix[:, COLUMN["own_baskets"]]).astype(int).tolist(),
        known(matrix[:, COLUMN["own_days_since"]]), known(matrix[:, COLUMN["own_gap_days"]]), bits.tolist(),
    ]  # fmt: skip
    return tuple(Ranked(product_id.decode(), *row) for product_id, *row in zip(ids, *columns, strict=True))


def known(values: Floats) -> list[float | None]:
    """Numbers, with None for what is not known."""
    return [None if isnan(value) else value for value in values.tolist()]
