"""How much blocking lets through, without labels: a few records are compared with all, and what is found is looked up
among the pairs that blocking proposed."""

from collections.abc import Mapping
from typing import Any

import duckdb
import msgspec

from rtp.identity.linkage.blocking import MAY_BE_ONE, PAIRS
from rtp.identity.linkage.counting import count
from rtp.identity.linkage.prepare import RECORDS
from rtp.identity.linkage.splinking import score

BUDGET = 200_000
"""Pairs compared to find out."""
MOST_PROBES = 200
_ALL = "linkage_all"


class Recall(msgspec.Struct, frozen=True):
    """Of the pairs at or above the threshold that comparing with everybody finds, those that blocking proposes too."""

    probes: int
    """Records compared with all others."""
    found: int
    proposed: int

    @property
    def share(self) -> float | None:
        """None where nothing was found to judge by."""
        return self.proposed / self.found if self.found else None


def measure_recall(connection: duckdb.DuckDBPyConnection, settings: Mapping[str, Any], threshold: float) -> Recall:
    """Of the PAIRS that lie there."""
    records = count(connection, f"SELECT count(*) FROM {RECORDS}")
    probes = max(1, min(MOST_PROBES, records, BUDGET // max(records, 1)))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_ALL} AS "
        f"WITH probe AS (SELECT * FROM {RECORDS} ORDER BY hash(_record), _record LIMIT {probes}) "
        "SELECT DISTINCT least(a._record, b._record) AS l, greatest(a._record, b._record) AS r "
        f"FROM probe AS a JOIN {RECORDS} AS b ON a._record <> b._record AND {MAY_BE_ONE}"
    )
    found = score(connection, settings, _ALL, at_least=threshold)
    connection.register("linkage_found", {"l": found.left, "r": found.right})
    proposed = count(connection, f"SELECT count(*) FROM linkage_found SEMI JOIN {PAIRS} USING (l, r)")
    connection.unregister("linkage_found")
    connection.execute(f"DROP TABLE {_ALL}")
    return Recall(probes, len(found), proposed)
