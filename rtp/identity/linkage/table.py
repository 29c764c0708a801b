"""Any table of people, linked by nothing but the meaning of its columns."""

import duckdb
import msgspec

from rtp.identity.linkage.link import Linkage, link
from rtp.identity.linkage.meanings import Columns
from rtp.identity.linkage.model import LinkageModel, learn
from rtp.identity.linkage.prepare import prepare
from rtp.identity.linkage.threshold import PRECISION


class LinkedTable(msgspec.Struct, frozen=True):
    """The outcome, and the model it was reached with."""

    linkage: Linkage
    model: LinkageModel


def link_table(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: Columns, *, precision: float = PRECISION
) -> LinkedTable:
    """Learns from a relation and links it; it must have `_record`, numbered from 0.

    Raises Rejected where there is too little to learn from.
    """
    everybody = f"(SELECT *, _record AS party, false AS sealed, true AS fresh FROM {relation})"
    prepare(connection, everybody, columns)
    model = learn(connection, list(columns), precision=precision)
    return LinkedTable(link(connection, model), model)
