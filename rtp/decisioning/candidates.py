"""Which products come into question: own habits, what goes with them, what alike customers and the store's buy."""

import msgspec
import numpy as np

from rtp.decisioning.catalog import Catalog, Floats, Habits, Ints
from rtp.features.values import FeatureRow

OWN = 150
COMPANIONS = 80
CONTEXT = 60
KINDRED = 100
SELLERS = 60
POPULAR = 60
HABITS_WITH_COMPANIONS = 100


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Where, when and about what; products and stores as indexes of the catalogue."""

    at: int
    """Seconds since 1970 UTC."""
    store: int | None = None
    seeds: tuple[int, ...] = ()
    """The context's product, then what was looked at last and what is in the cart."""
    viewed: tuple[int, ...] = ()
    """Of the seeds those that were looked at: candidates themselves."""
    live: FeatureRow = {}
    """The shopper's row of `customer_live`, as of any moment; empty where nothing may be known."""


class Candidates(msgspec.Struct, frozen=True):
    """Products, sorted by index, with the scores of the sources that need a search of their own."""

    product: Ints
    companion: Floats
    """How much it goes with the customer's habits; 0 is not at all."""
    context: Floats
    """How much it goes with the seeds."""


def candidates(catalog: Catalog, habits: Habits | None, context: Context) -> Candidates:
    """All candidates of a customer (None: nobody known) in a context."""
    products = catalog.products
    sources: list[Ints] = [products.popular[:POPULAR], np.array(context.viewed, np.int32)]
    companion = context_score = (np.empty(0, np.int32), np.empty(0, np.float32))
    if habits is not None:
        own = strongest(habits.product, habits.decayed, OWN)
        companion = companions(catalog, *most(habits.product, habits.decayed, HABITS_WITH_COMPANIONS))
        sources += [own, strongest(*companion, COMPANIONS), strongest(*habits.kindred, KINDRED)]
    if context.seeds:
        seeds = np.array(context.seeds, np.int32)
        context_score = companions(catalog, seeds, np.ones(len(seeds), np.float32))
        sources.append(strongest(*context_score, CONTEXT))
    if context.store is not None:
        sources.append(catalog.stores.sellers.row(context.store)[0][:SELLERS])
    product = np.unique(np.concatenate(sources)).astype(np.int32)
    return Candidates(product, looked_up(product, *companion), looked_up(product, *context_score))


def companions(catalog: Catalog, product: Ints, weight: Floats) -> tuple[Ints, Floats]:
    """Products bought together with these, each with the weighted sum of how strongly; sorted by product."""
    start, index, value = catalog.products.neighbours.start, catalog.products.neighbours.index, None
    value = catalog.products.neighbours.value
    begin, length = start[product], (start[product + 1] - start[product]).astype(np.int64)
    if not length.sum():
        return np.empty(0, np.int32), np.empty(0, np.float32)
    offset = np.repeat(begin - np.concatenate([[0], np.cumsum(length)[:-1]]), length)
    position = np.arange(int(length.sum())) + offset
    found, inverse = np.unique(index[position], return_inverse=True)
    total = np.bincount(inverse, weights=value[position] * np.repeat(weight, length))
    return found.astype(np.int32), total.astype(np.float32)


def strongest(product: Ints, score: Floats, count: int) -> Ints:
    """The products with the highest scores, in no order."""
    return most(product, score, count)[0]


def most(product: Ints, score: Floats, count: int) -> tuple[Ints, Floats]:
    """The entries with the highest scores, in no order."""
    if len(product) <= count:
        return product, score
    kept = np.argpartition(-score, count - 1)[:count]
    return product[kept], score[kept]


def looked_up(wanted: Ints, product: Ints, value: Floats, missing: float = 0.0) -> Floats:
    """The value of each wanted product in a table sorted by product."""
    answer = np.full(len(wanted), missing, np.float32)
    if len(product):
        position = np.minimum(np.searchsorted(product, wanted), len(product) - 1)
        found = product[position] == wanted
        answer[found] = value[position[found]]
    return answer
