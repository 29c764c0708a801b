"""Five kinds of broken feed: a refresh stops at a blocking check, and what was served goes on being served."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from rtp import wiring
from rtp.settings import Settings
from rtp_dagster.naming import live_key
from rtp_dagster.progress import Outcome
from tests.rtp_dagster.conftest import NOW, MovingClock
from tests.rtp_dagster.parts import publish
from tests.rtp_dagster.served import served

BROKEN = {
    "nulls": "SELECT * REPLACE (if(_row % 30 = 0, NULL, net_amount) AS net_amount) FROM good WHERE _row % 3 = 0",
    "drifted": "SELECT * REPLACE ((net_amount * 100)::DECIMAL(12,2) AS net_amount) FROM good WHERE _row % 3 = 0",
    "duplicates": "SELECT * FROM good WHERE _row % 3 = 0 UNION ALL SELECT * FROM good WHERE _row IN (300, 600)",
    "wrong type": "SELECT * REPLACE (net_amount::VARCHAR AS net_amount) FROM good WHERE _row % 3 = 0",
}
STALE = timedelta(days=16)


@contextmanager
def delivered(feed: Path, sql: str) -> Iterator[None]:
    """One more file in a feed, made of the good one; gone afterwards."""
    good = next(path for path in sorted(feed.glob("*.parquet")) if not path.name.startswith("_"))
    broken = feed / "broken.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW good AS FROM '{good}'")
        connection.execute(f"COPY ({sql}) TO '{broken}' (FORMAT parquet)")
    try:
        yield
    finally:
        broken.unlink()


@contextmanager
def at(clock: MovingClock, moment_later: timedelta) -> Iterator[None]:
    """The same files, looked at later: nothing new came."""
    clock.moment = NOW + moment_later
    try:
        yield
    finally:
        clock.moment = NOW


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("nulls", "net_amount is never missing"),
        ("drifted", "net_amount is distributed as in the last accepted feed"),
        ("duplicates", "no two rows of one file have the same"),
        ("wrong type", "every column has the type that the table's contract promises"),
        ("stale", "the newest ordered_at is at most 336 hours old"),
    ],
)
def test_a_broken_feed_stops_a_refresh_before_anything_is_served_from_it(
    kind: str, told: str, built: Outcome, build: Callable[[], Outcome], retailer: Settings, clock: MovingClock
) -> None:
    assert built.ok, built.error
    before, feed = served(retailer), wiring.lake(retailer).feed("order_lines")
    with delivered(feed, BROKEN[kind]) if kind in BROKEN else at(clock, STALE):
        outcome = build()
    assert not outcome.ok
    assert "lake/order_lines: expectations" in outcome.checks_failed
    assert told in outcome.error
    assert {step.name for step in outcome.steps} <= {"feeds", "check_feeds", "feast__customer_live_equals_the_archive"}
    assert served(retailer) == before


def test_a_broken_file_that_came_in_after_the_check_is_not_published(
    built: Outcome, definitions: dg.Definitions, instance: dg.DagsterInstance, retailer: Settings
) -> None:
    assert built.ok, built.error
    before, feed = served(retailer), wiring.lake(retailer).feed("order_lines")
    with delivered(feed, BROKEN["nulls"]):
        outcome = publish(definitions, instance)
    assert not outcome.ok
    assert "after the feeds were checked" in outcome.error
    assert "net_amount is never missing" in outcome.error
    assert served(retailer) == before


def test_consents_that_nobody_checked_are_not_taken_in(
    built: Outcome, definitions: dg.Definitions, instance: dg.DagsterInstance, retailer: Settings
) -> None:
    def bring_online() -> bool:
        job = definitions.resolve_job_def("bring_online")
        return job.execute_in_process(instance=instance, asset_selection=[live_key("consents")]).success

    # Customers that the build has just united get all that the feed says of either.
    assert bring_online()
    before, feed = served(retailer), wiring.lake(retailer).feed("consents")
    late = 'SELECT * REPLACE (\'denied\' AS status, "at" + INTERVAL 1 DAY AS "at") FROM good'
    with delivered(feed, late):
        files = wiring.quality_gate(retailer).accepted_files("consents")
        assert bring_online()
    assert [path.name for path in files if path.name == "broken.parquet"] == []
    assert served(retailer) == before
