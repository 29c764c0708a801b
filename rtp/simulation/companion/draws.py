"""Draws that depend only on the seed, a topic and an id: the same on every machine and in every sample."""

from collections.abc import Sequence

from rtp.signals.feeds.schema_sql import literal

SEED = "rtp-companion"


def uniform(topic: str, *ids: str) -> str:
    """SQL of a number in [0, 1); `ids` are SQL expressions."""
    key = " || '|' || ".join([literal(f"{SEED}|{topic}"), *(f"CAST({one} AS VARCHAR)" for one in ids)])
    return f"(CAST(md5_number_lower({key}) AS DOUBLE) / 18446744073709551616.0)"


def between(low: float, high: float, topic: str, *ids: str) -> str:
    """SQL of a number in [low, high)."""
    return f"({low} + {high - low} * {uniform(topic, *ids)})"


def whole(low: int, high: int, topic: str, *ids: str) -> str:
    """SQL of a whole number from low to high, both included."""
    return f"CAST(floor({between(low, high + 1, topic, *ids)}) AS BIGINT)"


def one_of(choices: Sequence[str], topic: str, *ids: str) -> str:
    """SQL of one of some texts."""
    listed = ", ".join(literal(choice) for choice in choices)
    return f"([{listed}])[{whole(1, len(choices), topic, *ids)}]"
