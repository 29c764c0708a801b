"""The customers of the feeds that share no identifier, linked by what else is known of them, run after run.

A run compares only records that are new or changed, with the model that is there. What earlier runs linked stands.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import duckdb
import msgspec
import numpy as np
import pyarrow as pa

from rtp.errors import Rejected
from rtp.identity.batch import IdentityLinks
from rtp.identity.linkage.counting import count
from rtp.identity.linkage.link import link
from rtp.identity.linkage.meanings import Meaning
from rtp.identity.linkage.model import LinkageModel, learn
from rtp.identity.linkage.prepare import prepare
from rtp.identity.types import IdentifierType
from rtp.signals.feeds.schema_sql import literal
from rtp.stores.lake import Lake, appearing
from rtp.stores.linkage_lake import COMPARED, ProbableLink, ReviewLink, read_rows, write_rows
from rtp.stores.linkage_models import keep_linkage, live_linkage
from rtp.stores.linkage_run import Limits, Run

PEOPLE = "linkage_people"
SAMPLE = 100_000
"""A model is learned from so many records at most."""
FILLED = 0.01
"""A column counts where at least this share of the records fills it."""
COMPARED_BY = (
    Meaning.FIRST_NAME, Meaning.LAST_NAME, Meaning.BIRTH_DATE, Meaning.EMAIL, Meaning.PHONE, Meaning.STREET,
    Meaning.CITY, Meaning.POSTCODE,
)  # fmt: skip
"""What the customers feed says of a person."""
NOBODY = "Every customer has a user id, or nothing is known to compare by."


class LinkageReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did."""

    why_not: str = ""
    """Why nothing was compared; empty where something was."""
    model: LinkageModel | None = None
    learned: bool = False
    records: int = 0
    fresh: int = 0
    """Records that are new, or say something else than before."""
    compared: int = 0
    links: Sequence[ProbableLink] = ()
    """In effect, those of earlier runs included."""
    held: Mapping[str, int] = {}
    """Links held back, by reason."""
    pairs: Sequence[tuple[str, str]] = ()
    """Customers that are one."""


def link_customers(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    links: IdentityLinks,
    limits: Limits,
    models_dir: Path,
    now: datetime,
) -> LinkageReport:
    """Compares the records of customers without a user id with all others; what came of it is in the lake."""
    report, run = _compare(connection, lake, links, limits, models_dir, now)
    if run is None:
        write_rows(lake, ProbableLink, [])
        write_rows(lake, ReviewLink, [])
        lake.identity_link(COMPARED).unlink(missing_ok=True)
    return report


def _compare(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    links: IdentityLinks,
    limits: Limits,
    models_dir: Path,
    now: datetime,
) -> tuple[LinkageReport, Run | None]:
    run = _read(connection, lake, links)
    meanings = _filled(connection) if run else []
    if run is None or len(meanings) < 2:
        return LinkageReport(why_not=NOBODY), None
    try:
        model, learned = _model(connection, models_dir, meanings, len(run.records))
    except Rejected as error:
        return LinkageReport(why_not=str(error), records=len(run.records)), None
    prepare(connection, PEOPLE, {each: each.value for each in meanings})
    standing = run.standing(read_rows(lake, ProbableLink))
    linkage = link(connection, model, run.describe, run.rules(limits, standing))
    made = run.links(linkage, standing, model, now)
    held = run.reviews(linkage, read_rows(lake, ReviewLink), model, now)
    write_rows(lake, ProbableLink, made)
    write_rows(lake, ReviewLink, held)
    _write_compared(connection, lake)
    return LinkageReport(
        model=model, learned=learned, records=len(run.records), compared=linkage.compared, links=made,
        fresh=count(connection, f"SELECT count(*) FROM {PEOPLE} WHERE fresh"),
        held=Counter(each.reason for each in held), pairs=run.pairs(linkage),
    ), run  # fmt: skip


def _read(connection: duckdb.DuckDBPyConnection, lake: Lake, links: IdentityLinks) -> Run | None:
    """Makes PEOPLE, one row a record as it was loaded last; None where all have a user id."""
    sealed = {customer for kind, _, customer, _ in links.identifiers if kind == IdentifierType.USER_ID}
    if all(customer in sealed for *_, customer in links.customers):
        return None
    source, ref, customer = zip(*links.customers, strict=True)
    owners = {
        "source": source,
        "customer_ref": ref,
        "customer": customer,
        "sealed": [each in sealed for each in customer],
    }
    connection.register("linkage_owner", pa.table(owners))
    connection.execute(_people_sql(lake)).fetchall()
    connection.unregister("linkage_owner")
    rows = connection.execute(
        f"SELECT source, customer_ref, customer, fresh, sealed FROM {PEOPLE} ORDER BY _record"
    ).fetchall()
    if all(row[4] for row in rows):
        return None
    run = Run([row[:2] for row in rows], [row[2] for row in rows], [row[3] for row in rows], links)
    connection.register("linkage_party", {"_record": np.arange(len(rows)), "party": run.party})
    connection.execute(f"CREATE OR REPLACE TABLE {PEOPLE} AS SELECT * FROM {PEOPLE} JOIN linkage_party USING (_record)")
    connection.unregister("linkage_party")
    return run


def _people_sql(lake: Lake) -> str:
    columns = ", ".join(f"CAST({each} AS VARCHAR) AS {each}" for each in COMPARED_BY)
    feed, compared = (
        literal(str(path)) for path in (lake.feed("customers") / "*.parquet", lake.identity_link(COMPARED))
    )
    known = f"SELECT * FROM read_parquet({compared})" if lake.identity_link(COMPARED).exists() else NONE_COMPARED
    return f"""
        CREATE OR REPLACE TABLE {PEOPLE} AS
        WITH latest AS (
            SELECT source, customer_ref, {columns} FROM read_parquet({feed})
            QUALIFY row_number() OVER (
                PARTITION BY source, customer_ref ORDER BY _loaded_at DESC, _file DESC, _row DESC
            ) = 1
        ),
        said AS (
            SELECT *, CAST(hash({", ".join(COMPARED_BY)}) AS VARCHAR) AS fingerprint
            FROM latest JOIN linkage_owner USING (source, customer_ref)
        ),
        known AS ({known})
        SELECT row_number() OVER (ORDER BY source, customer_ref) - 1 AS _record, said.*,
            known.fingerprint IS DISTINCT FROM said.fingerprint AS fresh
        FROM said LEFT JOIN known USING (source, customer_ref)
    """


NONE_COMPARED = "SELECT '' AS source, '' AS customer_ref, '' AS fingerprint WHERE false"


def _filled(connection: duckdb.DuckDBPyConnection) -> list[Meaning]:
    """The columns that enough records fill to be compared by."""
    records = count(connection, f"SELECT count(*) FROM {PEOPLE}")
    filled = {each: count(connection, f"SELECT count({each}) FROM {PEOPLE}") for each in COMPARED_BY}
    return [each for each, number in filled.items() if number > records * FILLED]


def _model(
    connection: duckdb.DuckDBPyConnection, models_dir: Path, meanings: Sequence[Meaning], records: int
) -> tuple[LinkageModel, bool]:
    """The model in use, or a new one where there is none that serves, and whether it is new."""
    model = live_linkage(models_dir)
    if model is not None and model.serves(meanings, records):
        return model, False
    sample = f"(SELECT * REPLACE (true AS fresh) FROM {PEOPLE} ORDER BY hash(_record), _record LIMIT {SAMPLE})"
    prepare(connection, sample, {each: each.value for each in meanings})
    model = learn(connection, meanings, records=records)
    keep_linkage(models_dir, model)
    return model, True


def _write_compared(connection: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    with appearing(lake.identity_link(COMPARED)) as aside:
        connection.execute(
            f"COPY (SELECT source, customer_ref, fingerprint FROM {PEOPLE}) TO {literal(str(aside))} (FORMAT parquet)"
        ).fetchall()
