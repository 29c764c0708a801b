"""The lake's identity: who is who in the feeds, as files that the warehouse reads, and in the live graph."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from rtp.clock import Clock, to_micros
from rtp.identity.batch import IdentityLinks, resolve
from rtp.identity.graph import IdentityGraph
from rtp.identity.keys import KeyedHash
from rtp.identity.normalize import DEFAULT_SPELLING, Spelling
from rtp.identity.types import Evidence, Identifier, IdentifierType
from rtp.profile.consent import Purpose
from rtp.signals.feeds.schema_sql import literal
from rtp.stores.archive_schema import IDENTITY_LINKS
from rtp.stores.consent_redis import RedisConsent, SeedConsent
from rtp.stores.feeds.session import feed_session
from rtp.stores.lake import Lake, appearing

_REFERRING = ("order_lines", "offer_targets", "offer_redemptions", "consents")
_COLUMNS = ("source", "customer_ref", "user_id", "email", "phone", "loyalty_id")


def write_identity_links(lake: Lake, keys: KeyedHash, *, spelling: Spelling = DEFAULT_SPELLING) -> IdentityLinks:
    """Resolves the loaded feeds and replaces both files below `identity/`, each at once; gives what they hold."""
    with feed_session() as connection:
        customers = connection.execute(
            f"SELECT DISTINCT {', '.join(_COLUMNS)} FROM {_feed(lake, 'customers')} ORDER BY ALL"
        ).fetchall()
        columns = dict(zip(_COLUMNS, zip(*customers, strict=True), strict=True)) if customers else {}
        links = resolve(columns or dict.fromkeys(_COLUMNS, ()), _refs(connection, lake), keys, spelling=spelling)
    _write(lake, "customer_link", links.customers)
    _write(lake, "identifier_link", links.identifiers)
    return links


def _refs(connection: duckdb.DuckDBPyConnection, lake: Lake) -> list[tuple[str, str]]:
    parts = " UNION ".join(f"SELECT source, customer_ref FROM {_feed(lake, table)}" for table in _REFERRING)
    found: list[tuple[str, str]] = connection.execute(
        f"SELECT * FROM ({parts}) WHERE customer_ref IS NOT NULL ORDER BY ALL"
    ).fetchall()
    return found


def _feed(lake: Lake, table: str) -> str:
    return f"read_parquet({literal(str(lake.feed(table) / '*.parquet'))})"


def _write(lake: Lake, name: str, rows: Sequence[tuple[str, ...]]) -> None:
    columns = [column for column, _ in IDENTITY_LINKS[name]]
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    table = pa.table({column: pa.array(part, pa.string()) for column, part in zip(columns, values, strict=True)})
    with appearing(lake.identity_link(name)) as aside:
        pq.write_table(table, aside)


async def seed_identities(lake: Lake, graph: IdentityGraph, clock: Clock) -> int:
    """Loads the links of the lake into the live graph; may be repeated; returns how many customers are new."""
    rows: dict[str, list[Identifier]] = defaultdict(list)
    for batch in pq.ParquetFile(lake.identity_link("identifier_link")).iter_batches():
        for row in batch.to_pylist():
            rows[row["customer_id"]].append(Identifier(IdentifierType(row["identifier_type"]), row["identifier_value"]))
    evidence = Evidence("batch_feed", "lake/identity", to_micros(clock()))
    return await graph.seed(list(rows.items()), evidence)


async def seed_consents(lake: Lake, consent: RedisConsent, files: Sequence[Path]) -> int:
    """Loads what these files of the consents feed state; may be repeated; a shopper's own later word outweighs it."""
    if not files:
        return 0
    with feed_session() as connection:
        found = connection.execute(
            f"""
            SELECT DISTINCT customer_id, purpose, coalesce(channel, 'all'), status, epoch_us("at"), source
            FROM read_parquet([{", ".join(literal(str(path)) for path in files)}]) AS said
            JOIN read_parquet({literal(str(lake.identity_link("customer_link")))}) AS link USING (source, customer_ref)
            ORDER BY ALL
            """
        ).fetchall()
    known = {str(each) for each in Purpose}
    rows = [SeedConsent(row[0], Purpose(row[1]), *row[2:]) for row in found if row[1] in known]
    await consent.seed(rows)
    return len(rows)
