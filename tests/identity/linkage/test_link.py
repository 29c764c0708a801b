"""The linkage on people of whom the test knows who is who."""

from collections.abc import Iterator
from itertools import combinations

import duckdb
import numpy as np
import pytest

from rtp.errors import Rejected
from rtp.identity.linkage.cluster import Rules
from rtp.identity.linkage.link import link
from rtp.identity.linkage.meanings import columns_of
from rtp.identity.linkage.prepare import prepare
from rtp.identity.linkage.table import LinkedTable, link_table
from tests.identity.linkage.people import COLUMNS, people, table

ROWS = people(150)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


@pytest.fixture(scope="module")
def who(connection: duckdb.DuckDBPyConnection) -> list[int]:
    return table(connection, ROWS)


@pytest.fixture(scope="module")
def linked(connection: duckdb.DuckDBPyConnection, who: list[int]) -> LinkedTable:
    return link_table(connection, "people", columns_of(COLUMNS))


def pairs_of(labels: list[int]) -> set[tuple[int, int]]:
    groups: dict[int, list[int]] = {}
    for number, label in enumerate(labels):
        groups.setdefault(label, []).append(number)
    return {pair for members in groups.values() for pair in combinations(members, 2)}


def test_records_of_one_person_become_one_customer(linked: LinkedTable, who: list[int]) -> None:
    found, true = pairs_of(linked.linkage.clusters.labels.tolist()), pairs_of(who)
    assert len(found & true) / len(found) >= 0.98
    assert len(found & true) / len(true) >= 0.9


def test_the_evidence_is_what_united_them(linked: LinkedTable) -> None:
    labels, links = linked.linkage.clusters.labels, linked.linkage.links
    assert (labels[links.left] == labels[links.right]).all()
    assert links.weight.min() >= linked.model.threshold
    assert (links.left < links.right).all()


def test_blocking_lets_nearly_all_through_and_few_pairs_are_compared(linked: LinkedTable) -> None:
    share, records = linked.model.recall.share, len(ROWS)
    assert share is not None
    assert share >= 0.95
    assert linked.linkage.compared < records * (records - 1) / 2 / 5


def test_the_share_of_pairs_that_are_one_person_is_learned(linked: LinkedTable, who: list[int]) -> None:
    true = len(pairs_of(who)) / (len(who) * (len(who) - 1) / 2)
    assert 0.7 < linked.model.share / true < 1.4


def test_new_records_alone_are_compared_and_change_nobody_else(
    connection: duckdb.DuckDBPyConnection, linked: LinkedTable, who: list[int]
) -> None:
    before = linked.linkage.clusters.labels.tolist()
    old, new = len(ROWS), people(4, seed=2)
    everybody = table(connection, ROWS + new, "grown")
    relation = f"(SELECT *, _record AS party, false AS sealed, _record >= {old} AS fresh FROM grown)"
    prepare(connection, relation, columns_of(COLUMNS))
    known = [(int(label), number) for number, label in enumerate(before) if label != number]
    again = link(connection, linked.model, rules=Rules(known=known))
    assert again.clusters.labels.tolist()[:old] == before
    assert (again.proposed.right >= old).all()
    assert 0 < again.compared < linked.linkage.compared / 5
    assert pairs_of(everybody[old:])


def test_too_few_records_are_refused_with_a_hint(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE OR REPLACE TABLE two AS SELECT * FROM people LIMIT 2").fetchall()
    with pytest.raises(Rejected, match="too few"):
        link_table(connection, "two", columns_of(COLUMNS))


def test_labels_name_the_first_record_of_each_customer(linked: LinkedTable) -> None:
    labels = linked.linkage.clusters.labels
    assert (labels <= np.arange(len(labels))).all()
    assert (labels[labels] == labels).all()
