"""`rtp bench identity` measures what it says, on few records."""

from pathlib import Path

import numpy as np

from rtp.benchmarks import identity
from rtp.benchmarks.identity import Labelled, _quality, _rates
from rtp.benchmarks.identity_online import online


async def test_links_and_look_ups_are_counted(redis_url: str) -> None:
    figures = {row.name: row.value for row in await online(redis_url, 40)}
    assert figures.keys() == {"customers", "link_new", "link_known", "resolve"}
    assert all(value > 0 for value in figures.values())


def test_precision_and_recall_are_of_pairs() -> None:
    assert identity._pairs(np.array([1, 1, 1, 2, 2, 3])) == 4
    assert _rates("x", right=3, found=4, true=6) == {"x_precision": 0.75, "x_recall": 0.5, "x_f1": 0.6}


def test_labelled_records_are_linked_without_a_look_at_the_labels(tmp_path: Path) -> None:
    with (identity._febrl() / "dataset3.csv").open() as source:
        lines = sorted(source.readlines()[1:], key=lambda line: line.split("-")[1])[:250]
        source.seek(0)
        (tmp_path / "dataset3.csv").write_text(source.readline() + "".join(lines))
    data = Labelled((tmp_path / "dataset3.csv",), identity.FEBRL_COLUMNS, identity.FEBRL_PERSON)
    figures = {row.name: row.value for row in _quality("some", data)}
    assert figures["some_customers_precision"] > 0.98
    assert figures["some_customers_recall"] > 0.95
