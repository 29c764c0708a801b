"""What each agreement and disagreement is worth, learned from the records themselves: no labels are asked for.

How often unlike records agree is counted on random pairs; how often records of one person agree by expectation
maximisation (Fellegi and Sunter's model as Splink has it), in several sessions that each hold one thing equal and learn
the others. The share of pairs that are one person is then the fixed point of "the share that the model believes in".
"""

from collections.abc import Collection, Mapping
from typing import Any

import duckdb
import msgspec
import numpy as np

from rtp.errors import Rejected
from rtp.identity.linkage.blocking import PAIRS, Blocking, block
from rtp.identity.linkage.counting import count
from rtp.identity.linkage.meanings import Meaning
from rtp.identity.linkage.prepare import RECORDS
from rtp.identity.linkage.splinking import Scores, probability, score, start, untrained

RANDOM_PAIRS = 5e5
SESSION_PAIRS = 2e6
FEWEST_AGREEING = 10
"""A session over fewer pairs learns nothing that can be relied on."""
ITERATIONS = (20, 8, 3)
"""Of expectation maximisation, in a session; fewer are tried where more end in numbers too small."""
RAREST = 1e-5
"""No outcome is taken for rarer than this between records of one person."""
SEED = 1
_ROUNDS = 100

SESSIONS = (
    (Meaning.FIRST_NAME, Meaning.LAST_NAME),
    (Meaning.BIRTH_DATE,),
    (Meaning.EMAIL,),
    (Meaning.NATIONAL_ID,),
    (Meaning.PHONE,),
    (Meaning.LAST_NAME, Meaning.POSTCODE),
    (Meaning.LAST_NAME, Meaning.STREET),
    (Meaning.FIRST_NAME, Meaning.CITY),
)
"""What is held equal in each session of expectation maximisation."""


class Trained(msgspec.Struct, frozen=True):
    """What was learned, and how the pairs it was learned from came out."""

    settings: dict[str, Any]
    records: int
    sessions: list[str]
    blocking: Blocking
    scores: Scores


def train(connection: duckdb.DuckDBPyConnection, meanings: Collection[Meaning]) -> Trained:
    """Learns from RECORDS; raises Rejected where too few of them agree in anything."""
    records = count(connection, f"SELECT count(*) FROM {RECORDS}")
    if records < FEWEST_AGREEING:
        raise _too_little(f"{records} records are too few to learn from.")
    settings, sessions = _worth(connection, meanings, 1 / records)
    blocking = block(connection, meanings)
    scores = score(connection, settings, PAIRS)
    share, scores = fit_share(scores, 1 / records, records * (records - 1) / 2)
    return Trained(with_share(settings, share), records, sessions, blocking, scores)


def _worth(
    connection: duckdb.DuckDBPyConnection, meanings: Collection[Meaning], share: float
) -> tuple[dict[str, Any], list[str]]:
    """Settings with what each outcome is worth, and the sessions it was learned in."""
    for iterations in ITERATIONS:
        _, linker = start(connection, untrained(meanings, share, iterations))
        linker.training.estimate_u_using_random_sampling(max_pairs=RANDOM_PAIRS, seed=SEED, num_chunks=1)
        try:
            sessions = [" and ".join(held) for held in SESSIONS if _learn(connection, linker, held, meanings)]
        except ValueError:
            # What never happens to records of one person grows rarer with each iteration, until Splink refuses it.
            continue
        if sessions:
            return _nothing_impossible(linker.misc.save_model_to_json()), sessions
    raise _too_little("No two records agree in enough to learn what agreement is worth.")


def _nothing_impossible(settings: dict[str, Any]) -> dict[str, Any]:
    """A difference never seen in records of one person may still happen; no single one decides alone."""
    for comparison in settings["comparisons"]:
        for level in comparison["comparison_levels"]:
            if level.get("m_probability") is not None:
                level["m_probability"] = max(level["m_probability"], RAREST)
    return settings


def with_share(settings: Mapping[str, Any], share: float) -> dict[str, Any]:
    """The settings with another share of pairs expected to be one person."""
    return {**settings, "probability_two_random_records_match": share}


def fit_share(scores: Scores, share: float, possible: float) -> tuple[float, Scores]:
    """The share of the possible pairs that the model believes in, and the scores at that share.

    The fixed point of share = sum of probabilities / possible pairs, from the share that the scores were made with;
    pairs that blocking left out count as different people, and half a pair at least is believed in.
    """
    evidence = scores.weight - _log_odds(share)
    for _ in range(_ROUNDS):
        believed = max(float(probability(evidence + _log_odds(share)).sum()), 0.5) / possible
        settled = abs(np.log(believed / share)) < 1e-9
        share = min(believed, 0.5)
        if settled:
            break
    return share, Scores(scores.left, scores.right, evidence + _log_odds(share))


def _learn(
    connection: duckdb.DuckDBPyConnection, linker: Any, held: tuple[Meaning, ...], meanings: Collection[Meaning]
) -> bool:
    """One session; False where the table has no such columns or too few records agree in them."""
    if not set(held) <= set(meanings):
        return False
    values = ", ".join(held)
    present = " AND ".join(f"{each} IS NOT NULL" for each in held)
    groups = f"SELECT count(*) AS size FROM {RECORDS} WHERE {present} GROUP BY {values}"
    agreeing = count(connection, f"SELECT sum(size * (size - 1) / 2) FROM ({groups})")
    if agreeing < FEWEST_AGREEING:
        return False
    rule = " AND ".join(f"l.{each} = r.{each}" for each in held)
    limit = {"max_pairs": SESSION_PAIRS} if agreeing > SESSION_PAIRS else {}
    linker.training.estimate_parameters_using_expectation_maximisation(rule, **limit)
    return True


def _log_odds(share: float) -> float:
    return float(np.log2(share / (1 - share)))


def _too_little(message: str) -> Rejected:
    return Rejected(message, reason="TOO_LITTLE_TO_LEARN", hint="Give more records, or name more of their columns.")
