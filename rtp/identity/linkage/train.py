"""What each agreement and disagreement is worth, learned from the records themselves: no labels are asked for.

How often unlike records agree is counted on random pairs; how often records of one person agree by expectation
maximisation (Fellegi and Sunter's model as Splink has it), in several sessions that each hold one thing equal and learn
the others. The share of pairs that are one person is then the fixed point of "the share that the model believes in".
"""

import re
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
ITERATIONS = (20, 6, 2)
"""Of expectation maximisation, in a session; fewer are tried where more end in numbers too small."""
RAREST = 1e-5
"""No outcome is taken for rarer than this between records of one person."""
SEED = 1
LEARNED = "learned"
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
    _, linker = start(connection, untrained(meanings, share))
    linker.training.estimate_u_using_random_sampling(max_pairs=RANDOM_PAIRS, seed=SEED, num_chunks=1)
    settings = linker.misc.save_model_to_json()
    sessions: dict[str, dict[str, Any]] = {}
    for held in SESSIONS:
        learned = _learn(connection, settings, held) if set(held) <= set(meanings) else None
        if learned is not None:
            sessions[" and ".join(held)] = learned
    if not sessions:
        raise _too_little("No two records agree in enough to learn what agreement is worth.")
    for position, comparison in enumerate(settings["comparisons"]):
        for number, level in enumerate(comparison["comparison_levels"]):
            found = [each["comparisons"][position]["comparison_levels"][number] for each in sessions.values()]
            rates = [each["m_probability"] for each in found if LEARNED in each and each.get("m_probability")]
            if rates:
                level["m_probability"] = float(np.exp2(np.mean(np.log2(np.maximum(rates, RAREST)))))
    return settings, list(sessions)


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
    connection: duckdb.DuckDBPyConnection, settings: Mapping[str, Any], held: tuple[Meaning, ...]
) -> dict[str, Any] | None:
    """The settings as one session leaves them, LEARNED where it could learn; None where too few records agree."""
    present = " AND ".join(f"{each} IS NOT NULL" for each in held)
    groups = f"SELECT count(*) AS size FROM {RECORDS} WHERE {present} GROUP BY {', '.join(held)}"
    agreeing = count(connection, f"SELECT sum(size * (size - 1) / 2) FROM ({groups})")
    if agreeing < FEWEST_AGREEING:
        return None
    rule = " AND ".join(f"l.{each} = r.{each}" for each in held)
    limit = {"max_pairs": SESSION_PAIRS} if agreeing > SESSION_PAIRS else {}
    for iterations in ITERATIONS:
        _, linker = start(connection, {**settings, "max_iterations": iterations})
        try:
            linker.training.estimate_parameters_using_expectation_maximisation(rule, **limit)
        except ValueError:
            # What never happens to records of one person grows rarer with each iteration, until Splink refuses it.
            continue
        return _marked(linker.misc.save_model_to_json(), held)
    return None


def _marked(settings: dict[str, Any], held: tuple[Meaning, ...]) -> dict[str, Any]:
    """What is held equal cannot be learned, nor whatever compares it with something else."""
    for comparison in settings["comparisons"]:
        conditions = " ".join(level["sql_condition"] for level in comparison["comparison_levels"])
        for level in comparison["comparison_levels"]:
            if not any(re.search(rf"\b{each}_l\b", conditions) for each in held):
                level[LEARNED] = True
    return settings


def _log_odds(share: float) -> float:
    return float(np.log2(share / (1 - share)))


def _too_little(message: str) -> Rejected:
    return Rejected(message, reason="TOO_LITTLE_TO_LEARN", hint="Give more records, or name more of their columns.")
