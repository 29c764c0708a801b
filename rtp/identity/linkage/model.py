"""The linkage model as it is kept: learned once, judged, and used again until the data have outgrown it."""

import hashlib
from collections.abc import Collection
from typing import Any

import duckdb
import msgspec

from rtp.identity.linkage.blocking import Blocking
from rtp.identity.linkage.meanings import Meaning
from rtp.identity.linkage.recall import Recall, measure_recall
from rtp.identity.linkage.threshold import PRECISION, Point, choose, curve
from rtp.identity.linkage.train import train, with_share

OUTGROWN = 1.5
"""A model is learned anew when there are this many times the records it was learned for."""


class Weight(msgspec.Struct, frozen=True):
    """What one outcome of one comparison is worth."""

    comparison: str
    outcome: str
    m: float
    """How often it is so for two records of one person."""
    u: float
    """How often it is so for two records of two people."""
    weight: float
    """log2(m / u)."""


class LinkageModel(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides whether two records are one person, and the figures it was judged by."""

    version: str
    meanings: list[Meaning]
    settings: dict[str, Any]
    threshold: float
    share: float
    """Of all pairs of the table, those expected to be one person."""
    records: int
    """How many the table had."""
    sessions: list[str]
    weights: list[Weight]
    curve: list[Point]
    blocking: Blocking
    recall: Recall
    """Of what blocking lets through."""

    def serves(self, meanings: Collection[Meaning], records: int) -> bool:
        """Whether it can still be used for a table."""
        return set(self.meanings) == set(meanings) and records <= self.records * OUTGROWN

    def settings_for(self, records: int) -> dict[str, Any]:
        """Splink's settings for a table of so many records: each has as many duplicates as before."""
        return with_share(self.settings, min(0.5, self.share * self.records / max(records, 1)))


def learn(
    connection: duckdb.DuckDBPyConnection,
    meanings: Collection[Meaning],
    *,
    records: int | None = None,
    precision: float = PRECISION,
) -> LinkageModel:
    """A model from the prepared records, which are a sample if there are more `records`.

    Raises Rejected where they are too few or agree in too little.
    """
    trained = train(connection, meanings)
    threshold = choose(trained.scores, precision)
    recall = measure_recall(connection, trained.settings, threshold)
    learned = msgspec.json.encode([trained.settings, threshold], order="deterministic")
    return LinkageModel(
        version=hashlib.sha256(learned).hexdigest()[:12],
        meanings=sorted(meanings),
        settings=trained.settings,
        threshold=threshold,
        share=trained.settings["probability_two_random_records_match"],
        records=records or trained.records,
        sessions=trained.sessions,
        weights=_weights(trained.settings),
        curve=curve(trained.scores),
        blocking=trained.blocking,
        recall=recall,
    )


def _weights(settings: dict[str, Any]) -> list[Weight]:
    from math import log2

    found = []
    for comparison in settings["comparisons"]:
        for level in comparison["comparison_levels"]:
            m, u = level.get("m_probability"), level.get("u_probability")
            if m and u:
                label = level["label_for_charts"]
                found.append(Weight(comparison["output_column_name"], label, m, u, log2(m / u)))
    return found
