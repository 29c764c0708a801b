"""Examples to learn from and to be judged by: what was known of a customer before a basket, and the basket.

Nothing later than the basket is in an example: habits end before it, and the catalogue was built before it.
"""

from collections.abc import Sequence

import duckdb
import msgspec
import numpy as np

from rtp.decisioning.candidates import Context, candidates
from rtp.decisioning.catalog import Catalog, Floats, Habits, Ints, Longs
from rtp.decisioning.vector import FEATURES, vectors
from rtp.features.past import LiveRows, nobody_watched
from rtp.optimization import groups, sales, similar
from rtp.optimization.catalog_build import habit_columns, habit_matrix, panel_of, stats_matrix
from rtp.optimization.groups import Labels
from rtp.optimization.sales import Columns, Window


class Example(msgspec.Struct, frozen=True):
    """A customer just before a basket."""

    customer_id: str
    context: Context
    habits: Habits
    truth: Ints
    """Products of the catalogue that the basket held."""


class Rows(msgspec.Struct, frozen=True):
    """Training rows, group after group."""

    matrix: Floats
    """Columns as FEATURES."""
    label: Floats
    sizes: Longs
    """Rows of each group."""


def examples(
    db: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    window: Window,
    labels: Labels,
    live_rows: LiveRows = nobody_watched,
) -> list[Example]:
    """One example a basket that `labels` picks from the sales of `window`, in the catalogue's indexes.

    `live_rows` tell what the customer had just been doing then.
    """
    sales.prepare(db, window, known=catalog)
    wanted = groups.group_labels(db, labels)
    count = len(wanted["customer_id"])
    found, stats, truths = groups.habits(db), groups.group_stats(db), groups.truths(db)
    views = _habits(catalog, wanted, found, stats)
    truth_start = similar.starts(truths["grp"], count)
    truth = truths["product"].astype(np.int32)
    who, moment = wanted["customer_id"].astype(str).tolist(), (wanted["moment"] * 1_000_000).tolist()
    live = live_rows(list(zip(who, moment, strict=True)))
    return [
        Example(
            customer_id=str(wanted["customer_id"][row]),
            context=Context(
                at=int(wanted["moment"][row]),
                store=int(wanted["store"][row]) if wanted["store"][row] >= 0 else None,
                live=live[row],
            ),
            habits=views[row],
            truth=truth[truth_start[row] : truth_start[row + 1]],
        )
        for row in range(count)
    ]


def _habits(catalog: Catalog, wanted: Columns, found: Columns, stats: Columns) -> list[Habits]:
    count, products = len(wanted["customer_id"]), len(catalog.products.ids)
    start, columns, figures = similar.starts(found["grp"], count), habit_columns(found), stats_matrix(stats)
    panel = panel_of(len(catalog.customers.ids))
    kindred = similar.kindred(
        habit_matrix(found, count, products),
        np.array([str(value).encode() for value in wanted["customer_id"]], np.bytes_),
        customer_matrix(catalog)[panel],
        catalog.customers.ids[panel],
    )
    return [
        Habits(
            **{name: column[start[row] : start[row + 1]] for name, column in columns.items()},
            stats=figures[row],
            favourite_store=int(stats["favourite_store"][row]),
            kindred=kindred.row(row),
        )
        for row in range(count)
    ]


def customer_matrix(catalog: Catalog) -> similar.Matrix:
    """Decayed habits of the catalogue's customers."""
    customers = catalog.customers
    return similar.matrix(customers.decayed, customers.product, customers.start, len(catalog.products.ids))


def rows(catalog: Catalog, found: Sequence[Example], *, negatives: int, seed: int) -> Rows:
    """Candidates of each example with their vectors; of those not bought at most `negatives`, drawn evenly.

    Groups without anything bought among the candidates teach a ranker nothing and are left out.
    """
    draw = np.random.default_rng(seed)
    parts = [part for example in found if (part := _group(catalog, example, negatives, draw)) is not None]
    if not parts:
        return Rows(np.empty((0, len(FEATURES)), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))
    return Rows(
        matrix=np.concatenate([matrix for matrix, _ in parts]),
        label=np.concatenate([label for _, label in parts]),
        sizes=np.array([len(label) for _, label in parts], np.int64),
    )


def _group(
    catalog: Catalog, example: Example, negatives: int, draw: np.random.Generator
) -> tuple[Floats, Floats] | None:
    come = candidates(catalog, example.habits, example.context)
    label = np.isin(come.product, example.truth)
    if not label.any():
        return None
    others = np.flatnonzero(~label)
    if len(others) > negatives:
        others = draw.choice(others, negatives, replace=False)
    kept = np.sort(np.concatenate([np.flatnonzero(label), others]))
    matrix = vectors(catalog, example.habits, come, example.context)
    return matrix[kept], label[kept].astype(np.float32)
