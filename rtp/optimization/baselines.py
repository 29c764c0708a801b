"""Rankings that a model has to beat, and the model's own, on the same examples."""

from collections.abc import Sequence

import numpy as np

from rtp.decisioning.catalog import Catalog, Floats, Habits, Ints
from rtp.decisioning.policy import Policy
from rtp.decisioning.ranking import rank
from rtp.decisioning.score import Ranker
from rtp.optimization.evaluate import TOP, Scores, judged
from rtp.optimization.examples import Example

POPULAR = "most_popular"
OWN = "own_frequency"
DECAYED = "own_frequency_decayed"
MODEL = "model"


def sold(catalog: Catalog) -> Floats:
    """Baskets of known customers that held each product."""
    customers = catalog.customers
    counts = np.bincount(customers.product, weights=customers.baskets, minlength=len(catalog.products.ids))
    return np.asarray(counts, np.float32)


def compared(catalog: Catalog, ranker: Ranker, policy: Policy, found: Sequence[Example]) -> dict[str, Scores]:
    """Scores of every baseline and of the model, as the API ranks, on examples that hold something to find."""
    popularity = sold(catalog)
    popular = np.argsort(-popularity, kind="stable")[: 10 * TOP].astype(np.int32)
    truths = [example.truth for example in found]
    rankings = {
        POPULAR: [popular[:TOP] for _ in found],
        OWN: [most(example.habits, example.habits.baskets, popularity, popular) for example in found],
        DECAYED: [most(example.habits, example.habits.decayed, popularity, popular) for example in found],
        MODEL: [served(catalog, ranker, policy, example) for example in found],
    }
    return {name: judged(each, truths) for name, each in rankings.items()}


def most(habits: Habits, score: Floats, popularity: Floats, popular: Ints) -> Ints:
    """What the customer bought most, the better sold first where equal; then what sells."""
    own = habits.product[np.lexsort((habits.product, -popularity[habits.product], -score))][:TOP]
    return np.concatenate([own, popular[~np.isin(popular, own)]])[:TOP]


def served(catalog: Catalog, ranker: Ranker, policy: Policy, example: Example) -> Ints:
    """The first products of the ranking that a decision starts from."""
    ranking, _ = rank(catalog, ranker, policy, example.habits, example.context)
    indexes = [catalog.product(row.product_id) for row in ranking[:TOP]]
    return np.array([index for index in indexes if index is not None], np.int32)
