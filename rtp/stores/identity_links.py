"""The lake's identity: who is who in the feeds, as files that the warehouse reads, and in the live graph."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from rtp.clock import Clock, to_micros
from rtp.identity.batch import IdentityLinks, customer_ref, resolve, united
from rtp.identity.config import IdentityRules
from rtp.identity.graph import IdentityGraph, Link
from rtp.identity.keys import KeyedHash
from rtp.identity.linkage.cluster import spanning
from rtp.identity.normalize import DEFAULT_SPELLING, Spelling
from rtp.identity.types import Evidence, Identifier, IdentifierType
from rtp.profile.consent import Purpose
from rtp.signals.feeds.schema_sql import literal
from rtp.stores.archive_schema import IDENTITY_LINKS
from rtp.stores.consent_redis import RedisConsent, SeedConsent
from rtp.stores.feeds.session import feed_session
from rtp.stores.identity_linkage import LinkageReport, link_customers
from rtp.stores.lake import Lake, appearing
from rtp.stores.linkage_lake import KnownAs, ProbableLink, read_rows, write_rows
from rtp.stores.linkage_run import Limits

_REFERRING = ("order_lines", "offer_targets", "offer_redemptions", "consents")
LINKED_TOGETHER = 500
_COLUMNS = ("source", "customer_ref", "user_id", "email", "phone", "loyalty_id")


def write_identity_links(lake: Lake, keys: KeyedHash, *, spelling: Spelling = DEFAULT_SPELLING) -> IdentityLinks:
    """Resolves the loaded feeds and replaces the files below `identity/`, each at once; gives what they hold.

    By shared identifiers alone; see `write_linked_identities` for all.
    """
    with feed_session() as connection:
        links = _resolved(connection, lake, keys, spelling, ())
    _save(lake, links, links)
    return links


def write_linked_identities(
    lake: Lake,
    keys: KeyedHash,
    rules: IdentityRules,
    models_dir: Path,
    clock: Clock,
    *,
    apart: Sequence[tuple[str, str]] = (),
) -> tuple[IdentityLinks, LinkageReport]:
    """As `write_identity_links`, and then links what shares no identifier (see rtp.stores.identity_linkage).

    `apart` are the customers that a human took apart: no run makes them one again.
    """
    most = {kind: limit.limit for kind, limit in rules.limits.items()}
    limits = Limits(identifiers=most, records=most[IdentifierType.CUSTOMER_REF])
    with feed_session(lake.root / "identity" / ".spill") as connection:
        known = _resolved(connection, lake, keys, rules.spelling, apart)
        report = link_customers(connection, lake, known, limits, models_dir, clock())
    links = united(known, report.pairs)
    _save(lake, known, links)
    return links, report


def _resolved(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    keys: KeyedHash,
    spelling: Spelling,
    apart: Sequence[tuple[str, str]],
) -> IdentityLinks:
    customers = connection.execute(
        f"SELECT DISTINCT {', '.join(_COLUMNS)} FROM {_feed(lake, 'customers')} ORDER BY ALL"
    ).fetchall()
    columns = dict(zip(_COLUMNS, zip(*customers, strict=True), strict=True)) if customers else {}
    return resolve(
        columns or dict.fromkeys(_COLUMNS, ()), _refs(connection, lake), keys, spelling=spelling, apart=apart
    )


def _save(lake: Lake, known: IdentityLinks, links: IdentityLinks) -> None:
    """The links, and whose was what before probable ones: the live graph is told one after the other."""
    changed = {before[2] for before, after in zip(known.customers, links.customers, strict=True) if before != after}
    changed |= {after[2] for before, after in zip(known.customers, links.customers, strict=True) if before != after}
    write_rows(lake, KnownAs, [KnownAs(*row[:3]) for row in known.identifiers if row[2] in changed])
    _write(lake, "customer_link", links.customers)
    _write(lake, "identifier_link", links.identifiers)


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
    """Loads the links of the lake into the live graph; may be repeated; returns how many customers are new.

    First who shares identifiers, then each probable link with its own evidence, so that it can be undone by itself.
    """
    before = {(row.identifier_type, row.identifier_value): row.customer_id for row in read_rows(lake, KnownAs)}
    rows: dict[str, list[Identifier]] = defaultdict(list)
    for batch in pq.ParquetFile(lake.identity_link("identifier_link")).iter_batches():
        for row in batch.to_pylist():
            kind, value = row["identifier_type"], row["identifier_value"]
            rows[before.get((kind, value), row["customer_id"])].append(Identifier(IdentifierType(kind), value))
    evidence = Evidence("batch_feed", "lake/identity", to_micros(clock()))
    made = await graph.seed(list(rows.items()), evidence)
    await _seed_probable(graph, read_rows(lake, ProbableLink))
    return made


async def _seed_probable(graph: IdentityGraph, links: Sequence[ProbableLink]) -> None:
    """The strongest links first, as many as unite all that are one."""
    ordered = sorted(links, key=lambda each: (-each.match_weight, each.ends))
    claims = []
    for position in spanning([each.ends for each in ordered]):
        claim, (left, right) = ordered[position], (customer_ref(*end) for end in ordered[position].ends)
        about = f"{left.value} and {right.value}, match weight {claim.match_weight:.1f}"
        evidence = Evidence(f"splink:{claim.model_version}", about, to_micros(claim.linked_at))
        claims.append(Link("", (left, right), evidence))
    for start in range(0, len(claims), LINKED_TOGETHER):
        await graph.link(claims[start : start + LINKED_TOGETHER])


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
