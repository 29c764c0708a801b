"""From prepared records to customers, in one call."""

from collections.abc import Callable, Mapping, Sequence

import duckdb
import msgspec
import numpy as np

from rtp.identity.linkage.blocking import PAIRS, Blocking, block
from rtp.identity.linkage.cluster import NO_RULES, Clusters, Party, Rules, components, unite
from rtp.identity.linkage.counting import count
from rtp.identity.linkage.model import LinkageModel
from rtp.identity.linkage.prepare import RECORDS
from rtp.identity.linkage.splinking import Ints, Scores, score

BRIDGED = "linkage_bridged"

Describe = Callable[[Ints], Mapping[int, Party]]
"""Gives those of some parties that have more than one record or any identifier."""


def nobody_known(_parties: Ints) -> Mapping[int, Party]:
    """Describes parties that are one record each, without identifiers."""
    return {}


class Linkage(msgspec.Struct, frozen=True):
    """What comparing came to."""

    clusters: Clusters
    proposed: Scores
    """Pairs of records at or above the threshold."""
    links: Scores
    """Those of them whose parties became one: the evidence."""
    party: Ints
    """The party of each record."""
    blocking: Blocking
    compared: int


def link(
    connection: duckdb.DuckDBPyConnection,
    model: LinkageModel,
    describe: Describe = nobody_known,
    rules: Rules = NO_RULES,
) -> Linkage:
    """Compares the fresh RECORDS with all, with a model learned before, and unites what may be united.

    Records are numbered from 0, and parties too; `describe` is asked once, for the parties that links would unite.
    """
    party = _parties(connection)
    size = int(party.max()) + 1 if len(party) else 0
    settings, known = model.settings_for(len(party)), rules.known
    blocking = block(connection, model.meanings)
    scores = score(connection, settings, PAIRS)
    scores = _bridged(connection, settings, scores, party, known, model.threshold)
    chosen = _contested(scores, party, size, known, model.threshold)
    linked = np.array(known, dtype=np.int64).ravel()
    parties = describe(np.unique(np.concatenate([party[chosen.left], party[chosen.right], linked])))
    between = Scores(party[chosen.left], party[chosen.right], chosen.weight)
    clusters = unite(parties, size, between, model.threshold, rules)
    proposed = chosen.where(chosen.weight >= model.threshold)
    labels = clusters.labels[party]
    links = proposed.where(labels[proposed.left] == labels[proposed.right])
    return Linkage(clusters, proposed, links, party, blocking, len(scores))


def _parties(connection: duckdb.DuckDBPyConnection) -> Ints:
    rows = connection.execute(f"SELECT party FROM {RECORDS} ORDER BY _record").fetchnumpy()
    return np.asarray(rows["party"], dtype=np.int64)


def _bridged(
    connection: duckdb.DuckDBPyConnection,
    settings: Mapping[str, object],
    scores: Scores,
    party: Ints,
    known: Sequence[tuple[int, int]],
    threshold: float,
) -> Scores:
    """The scores, and those between records compared in earlier runs whose groups a fresh record would join.

    Two customers do not become one because a third record is like both: their own records must agree.
    """
    if not count(connection, f"SELECT count(*) FROM {RECORDS} WHERE NOT fresh") or not len(scores):
        return scores
    size = int(party.max()) + 1
    groups = _components(scores.where(scores.weight > np.inf), party, size, known, threshold)
    joined = _components(scores, party, size, known, threshold)
    connection.register(
        "linkage_group", {"_record": np.arange(len(party)), "own": groups[party], "joined": joined[party]}
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {BRIDGED} AS WITH old AS "
        f"(SELECT _record, own, joined FROM {RECORDS} JOIN linkage_group USING (_record) WHERE NOT fresh) "
        "SELECT a._record AS l, b._record AS r FROM old AS a JOIN old AS b "
        "ON a.joined = b.joined AND a.own <> b.own AND a._record < b._record"
    )
    connection.unregister("linkage_group")
    more = score(connection, settings, BRIDGED)
    parts = zip((scores.left, scores.right, scores.weight), (more.left, more.right, more.weight), strict=True)
    return Scores(*(np.concatenate(part) for part in parts))


def _components(scores: Scores, party: Ints, size: int, known: Sequence[tuple[int, int]], threshold: float) -> Ints:
    above = scores.where(scores.weight >= threshold)
    linked = np.array(known, dtype=np.int64).reshape(-1, 2)
    left, right = (
        np.concatenate(each) for each in ((party[above.left], linked[:, 0]), (party[above.right], linked[:, 1]))
    )
    return components(size, left, right)


def _contested(scores: Scores, party: Ints, size: int, known: Sequence[tuple[int, int]], threshold: float) -> Scores:
    """Those scores that matter to what is united: within what the links alone would make one."""
    labels = _components(scores, party, size, known, threshold)
    return scores.where(labels[party[scores.left]] == labels[party[scores.right]])
