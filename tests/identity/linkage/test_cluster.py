"""Which links are made, and which are held back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp.identity.linkage.cluster import Clusters, Party, Reason, Rules, unite
from rtp.identity.linkage.splinking import Scores
from rtp.identity.types import Identifier, IdentifierType

Edge = tuple[int, int, float]
ONE_USER = {IdentifierType.USER_ID: 1}


def united(size: int, *edges: Edge, parties: dict[int, Party] | None = None, rules: Rules | None = None) -> Clusters:
    left, right, weight = zip(*edges, strict=True) if edges else ((), (), ())
    scores = Scores(np.array(left, dtype=np.int64), np.array(right, dtype=np.int64), np.array(weight, dtype=np.float64))
    return unite(parties or {}, size, scores, 3.0, rules or Rules(most_identifiers=ONE_USER))


def user(name: str) -> Party:
    return Party(1, (Identifier(IdentifierType.USER_ID, name),))


def reasons(found: Clusters) -> list[Reason]:
    return [each.reason for each in found.held]


def test_links_at_the_threshold_unite_and_weaker_ones_do_not() -> None:
    assert united(4, (0, 1, 3.0), (1, 2, 9.0), (2, 3, 2.9)).labels.tolist() == [0, 0, 0, 3]


def test_two_user_ids_never_meet_in_one_customer() -> None:
    found = united(3, (0, 1, 9.0), (1, 2, 8.0), parties={0: user("u0"), 2: user("u2")})
    assert found.labels.tolist() == [0, 0, 2]
    assert reasons(found) == [Reason.CONFLICT]
    assert "2 of user_id" in found.held[0].detail


def test_a_customer_too_large_is_held_back() -> None:
    found = united(3, (0, 1, 9.0), (1, 2, 8.0), parties={0: Party(4), 1: Party(1)}, rules=Rules(most_records=5))
    assert found.labels.tolist() == [0, 0, 2]
    assert reasons(found) == [Reason.TOO_LARGE]


def test_one_pair_does_not_unite_groups_that_disagree() -> None:
    found = united(4, (0, 1, 20.0), (2, 3, 20.0), (1, 2, 5.0), (0, 2, -9.0), (0, 3, -9.0), (1, 3, -9.0))
    assert found.labels.tolist() == [0, 0, 2, 2]
    assert reasons(found) == [Reason.OTHERS_DISAGREE]


def test_what_a_human_took_apart_stays_apart_however_it_is_linked() -> None:
    found = united(3, (0, 1, 30.0), (1, 2, 30.0), rules=Rules(apart=[(0, 2)]))
    assert found.labels.tolist() in ([0, 0, 2], [0, 1, 1])
    assert reasons(found) == [Reason.KEPT_APART]


def test_a_known_link_stands_without_its_score_but_not_against_a_human() -> None:
    assert united(2, rules=Rules(known=[(0, 1)])).labels.tolist() == [0, 0]
    assert united(2, rules=Rules(known=[(0, 1)], apart=[(1, 0)])).labels.tolist() == [0, 1]


def test_what_other_links_unite_after_all_is_not_held_back() -> None:
    found = united(3, (0, 1, 9.0), (0, 2, 8.0), (1, 2, -4.0), (1, 2, 30.0))
    assert found.labels.tolist() == [0, 0, 0]
    assert found.held == []


NODES = st.integers(0, 7)
EDGES = st.lists(st.tuples(NODES, NODES, st.integers(-10, 20).map(float)).filter(lambda edge: edge[0] < edge[1]))


@given(EDGES, st.sets(st.integers(0, 7)), st.lists(st.tuples(NODES, NODES).filter(lambda pair: pair[0] != pair[1])))
@pytest.mark.filterwarnings("default")
def test_no_customer_breaks_a_rule_whatever_the_links(
    edges: list[Edge], users: set[int], apart: list[tuple[int, int]]
) -> None:
    rules = Rules(most_identifiers=ONE_USER, apart=apart, most_records=4)
    labels = united(8, *edges, parties={each: user(str(each)) for each in users}, rules=rules).labels.tolist()
    assert all(labels[left] != labels[right] for left, right in apart)
    for label in set(labels):
        members = [each for each, of in enumerate(labels) if of == label]
        assert len(members) <= 4
        assert len(users & set(members)) <= 1
        assert min(members) == label
