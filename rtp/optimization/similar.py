"""What goes together: products bought in one basket, customers who buy alike."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from rtp.decisioning.catalog import Csr

Matrix: TypeAlias = Any
"""A scipy.sparse.csr_matrix; scipy ships no types."""

NEIGHBOURS = 40
LARGEST_BASKET = 100
SHRINKAGE = 10.0
KINDRED_CUSTOMERS = 300
KINDRED_PRODUCTS = 200
KINDRED_HABITS = 100
"""Of each alike customer only the strongest habits count: the many single purchases cost most and say little."""
LARGEST_PANEL = 5_000
"""Customers are compared with at most this many others: work grows with the number of customers, not its square."""
BLOCK = 1_000


def neighbours(basket: npt.NDArray[np.int64], product: npt.NDArray[np.int64], products: int) -> Csr:
    """For each product those bought in the same baskets: together / (√(n₁·n₂) + shrinkage), at least twice.

    `basket` and `product` are one row a product in a basket; baskets beyond LARGEST_BASKET say little and cost most.
    """
    matrix = sp.csr_matrix(
        (np.ones(len(basket), np.float32), (basket, product)), shape=(int(basket.max(initial=-1)) + 1, products)
    )
    matrix = matrix[np.diff(matrix.indptr) <= LARGEST_BASKET]
    times = np.asarray(matrix.sum(axis=0), np.float32).ravel()
    rows, by_product = [], matrix.T.tocsr()
    for begin in range(0, products, BLOCK):
        together = (by_product[begin : begin + BLOCK] @ matrix).tocsr()
        row = np.repeat(np.arange(together.shape[0]) + begin, np.diff(together.indptr))
        kept = (together.data >= 2) & (row != together.indices)
        row, column, count = row[kept], together.indices[kept], together.data[kept]
        score = count / (np.sqrt(times[row] * times[column]) + SHRINKAGE)
        scored = sp.csr_matrix((score, (row - begin, column)), shape=together.shape)
        rows.append(strongest(scored, NEIGHBOURS))
    return stacked(rows)


def kindred(
    groups: sp.csr_matrix, group_customer: npt.NDArray[Any], panel: sp.csr_matrix, panel_customer: npt.NDArray[Any]
) -> Csr:
    """For each group (a customer at a moment) what the most alike customers of the panel buy.

    Both matrices hold decayed habits, one row a customer; likeness is the cosine, and nobody is their own kin.
    """
    direction, others = scaled(groups, 2), scaled(panel, 2).T.tocsr()
    habits = strongest(scaled(panel, 1), KINDRED_HABITS, by_index=True)
    shares = matrix(habits.value, habits.index, habits.start, panel.shape[1])
    rows = []
    for begin in range(0, groups.shape[0], BLOCK):
        likeness = np.asarray((direction[begin : begin + BLOCK] @ others).todense())
        likeness[group_customer[begin : begin + BLOCK, None] == panel_customer[None, :]] = 0
        if likeness.shape[1] > KINDRED_CUSTOMERS:
            least = np.partition(likeness, -KINDRED_CUSTOMERS, axis=1)[:, -KINDRED_CUSTOMERS, None]
            likeness[likeness < least] = 0
        likeness /= np.maximum(likeness.sum(axis=1, keepdims=True), 1e-9)
        bought = (sp.csr_matrix(likeness) @ shares).tocsr()
        rows.append(strongest(bought, KINDRED_PRODUCTS, by_index=True))
    return stacked(rows)


def matrix(value: npt.NDArray[Any], column: npt.NDArray[Any], start: npt.NDArray[Any], columns: int) -> Matrix:
    """A sparse matrix from rows of unequal length."""
    return sp.csr_matrix((value, column, start), shape=(len(start) - 1, columns))


def scaled(matrix: sp.csr_matrix, norm: int) -> sp.csr_matrix:
    """Each row divided by its norm."""
    length = np.asarray(matrix.power(norm).sum(axis=1)).ravel() ** (1 / norm)
    return sp.diags_array((1 / np.maximum(length, 1e-9)).astype(np.float32)).tocsr() @ matrix


def strongest(matrix: sp.csr_matrix, most: int, *, by_index: bool = False) -> Csr:
    """The strongest `most` entries of each row, strongest first or sorted by index."""
    indexes, values = [], []
    ends = np.zeros(matrix.shape[0] + 1, np.int64)
    for row in range(matrix.shape[0]):
        part = slice(matrix.indptr[row], matrix.indptr[row + 1])
        index, value = matrix.indices[part], matrix.data[part]
        if len(value) > most:
            kept = np.argpartition(-value, most - 1)[:most]
            index, value = index[kept], value[kept]
        order = np.argsort(index) if by_index else np.lexsort((index, -value))
        indexes.append(index[order])
        values.append(value[order])
        ends[row + 1] = ends[row] + len(value)
    return Csr(
        start=ends,
        index=np.concatenate([*indexes, np.empty(0, np.int32)]).astype(np.int32),
        value=np.concatenate([*values, np.empty(0, np.float32)]).astype(np.float32),
    )


def starts(row: npt.NDArray[Any], rows: int) -> npt.NDArray[np.int64]:
    """Where each row of sorted entries begins, and the end."""
    return np.searchsorted(row, np.arange(rows + 1)).astype(np.int64)


def stacked(parts: list[Csr]) -> Csr:
    """Rows below rows."""
    if not parts:
        return Csr(np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))
    ends = np.cumsum([0, *(part.start[-1] for part in parts)])
    return Csr(
        start=np.concatenate([*(part.start[:-1] + end for part, end in zip(parts, ends, strict=False)), ends[-1:]]),
        index=np.concatenate([part.index for part in parts]),
        value=np.concatenate([part.value for part in parts]),
    )
