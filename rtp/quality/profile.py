"""How an accepted feed was distributed: a few figures a column, no rows and no personal values."""

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd

Numbers = npt.NDArray[np.floating[Any]]

TENTHS = np.linspace(0, 1, 11)
MOST_CATEGORIES = 50
SMOOTHING = 0.001
"""Added to every bin, so that a bin that was empty is unlikely and not impossible."""


class ColumnProfile(msgspec.Struct, frozen=True, kw_only=True):
    """The shares of one column: of `values`, or between the edges `bins` and beyond them (`tails`)."""

    values: tuple[str, ...] = ()
    bins: tuple[float, ...] = ()
    weights: tuple[float, ...] = ()
    tails: tuple[float, float] = (0.0, 0.0)
    mean: float | None = None
    median: float | None = None


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """What was last accepted of one table."""

    table: str
    accepted_at: str
    """ISO 8601, UTC."""
    rows: int
    files: tuple[str, ...]
    """Names of the accepted files; a file's name is the hash of its content, so it needs no second look."""
    suite: str
    """Which suite they passed; with another one they are looked at again."""
    missing: dict[str, float] = {}
    """Column → the share of rows without a value."""
    columns: dict[str, ColumnProfile] = {}


def profile(frame: pd.DataFrame, columns: Iterable[str]) -> dict[str, ColumnProfile]:
    """The distribution of each of `columns` that has values."""
    found = {column: frame[column].dropna() for column in columns if column in frame}
    return {column: _one(values) for column, values in found.items() if len(values)}


def missing_shares(frame: pd.DataFrame, columns: Iterable[str]) -> dict[str, float]:
    """The share of rows without a value, of each of `columns` that is there."""
    return {column: float(frame[column].isna().mean()) for column in columns if column in frame and len(frame)}


def _one(values: "pd.Series[float]") -> ColumnProfile:
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return _numeric(values.to_numpy(dtype=float))
    shares = values.astype(str).value_counts(normalize=True).head(MOST_CATEGORIES)
    return ColumnProfile(values=tuple(map(str, shares.index)), weights=_smooth(shares.to_numpy()))


def _numeric(values: Numbers) -> ColumnProfile:
    # Outermost edges leave a hundredth to the tails: one extreme value must not stretch the first or last bin.
    inner = np.quantile(values, np.clip(TENTHS, 0.01, 0.99))
    edges = np.unique(inner)
    if len(edges) == 1:
        edges = np.array([edges[0], edges[0] + 1.0])
    counts, _ = np.histogram(values, bins=edges)
    below, above = int((values < edges[0]).sum()), int((values > edges[-1]).sum())
    shares = _smooth(np.array([below, *counts, above]) / len(values))
    return ColumnProfile(
        bins=tuple(map(float, edges)),
        weights=shares[1:-1],
        tails=(shares[0], shares[-1]),
        mean=float(values.mean()),
        median=float(np.median(values)),
    )


def _smooth(shares: Numbers) -> tuple[float, ...]:
    smoothed = shares + SMOOTHING
    return tuple(map(float, smoothed / smoothed.sum()))
