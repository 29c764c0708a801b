"""From the log into the lake, each entry exactly once."""

import shutil
from collections import Counter
from contextlib import nullcontext
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import redis.asyncio

from rtp.activation.outbox import ActivationRecord
from rtp.clock import from_micros, to_micros
from rtp.decisioning.decision import Decision, DecisionRecord
from rtp.errors import Retryable
from rtp.identity.keys import partition_of
from rtp.inventory.stock import Movement, MovementRecord
from rtp.signals.log import WORKER_GROUP, Verdict
from rtp.signals.rejection import Rejection, Settlement
from rtp.stores import archive_files
from rtp.stores.archive_files import MOST_SMALL_FILES, compact_day, days_to_compact
from rtp.stores.archive_redis import RECORD_STREAMS, ArchiveSource
from rtp.stores.archive_schema import ARCHIVES, prepare_archives
from rtp.stores.event_log_redis import RedisEventLog, stream_key, verdicts_key
from rtp.stores.lake import Lake
from rtp.stores.record_stream import RecordStream
from rtp.worker.archive import Archiver
from tests.making import DAY, NOON, event, user_key

PARTITIONS = 2


class Archive:
    """An archiver on a real Redis and a lake in a temporary directory."""

    def __init__(self, client: redis.asyncio.Redis, folder: Path) -> None:
        self.lake = Lake(folder / "lake")
        prepare_archives(self.lake)
        self.client = client
        self.log = RedisEventLog(client, partitions=PARTITIONS)
        streams = ("events", *RECORD_STREAMS)
        self.sources = {each: ArchiveSource(client, each, partitions=PARTITIONS) for each in streams}
        self.archiver = Archiver(self.lake, list(self.sources.values()), every_seconds=1, no_build=nullcontext)

    def rows(self, stream: str) -> list[dict[str, Any]]:
        files = str(self.lake.archive(stream) / "**" / "*.parquet")
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            found = connection.execute(
                "SELECT * FROM read_parquet(?, union_by_name = true, hive_partitioning = false)", [files]
            )
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def message_ids(self) -> Counter[str]:
        files = self.lake.archive("events").glob("received_date=*/*.parquet")
        tables = [pq.read_table(path, columns=["message_id"], partitioning=None) for path in files]
        return Counter(each for table in tables for each in table["message_id"].to_pylist())

    async def send(self, *message_ids: str, **more: Any) -> None:
        await self.log.append([(user_key(each), event(each, user_id=each, **more)) for each in message_ids])

    async def in_log(self) -> set[str]:
        entries = [await self.log.tail(each, after="", count=100) for each in range(PARTITIONS)]
        return {entry.event.message_id for some in entries for entry in some}

    async def work(self, count: int = 100) -> None:
        """Acknowledges what is there, as the worker does."""
        for partition in range(PARTITIONS):
            entries = await self.log.read(WORKER_GROUP, "w", partition, count=count, block_ms=0)
            await self.log.acknowledge(WORKER_GROUP, [Verdict(each, "applied", "c1") for each in entries])


@pytest.fixture
def archive(redis_client: redis.asyncio.Redis, tmp_path: Path) -> Archive:
    return Archive(redis_client, tmp_path)


async def test_events_are_archived_with_what_became_of_them(archive: Archive) -> None:
    properties = {"productId": "p1", "orderId": "o1", "decisionId": "d1"}
    await archive.send("m1", properties=properties, context={"channel": "app", "storeId": "s1"}, gpc=True)
    partition = partition_of(user_key("m1"), PARTITIONS)
    (entry,) = await archive.log.read(WORKER_GROUP, "w", partition, count=1, block_ms=0)
    await archive.log.acknowledge(WORKER_GROUP, [Verdict(entry, "duplicate", "c9", f"{entry.partition_key}.2")])
    assert (await archive.archiver.flush())["events"] == 1
    (row,) = archive.rows("events")
    assert list(row) == [name for name, _ in ARCHIVES["events"]]
    expected = {
        "fragment": f"{user_key('m1')}.2", "verdict": "duplicate",
        "partition": partition, "position": entry.position, "message_id": "m1", "customer_id": "c9", "duplicate": True,
        "channel": "app", "store_id": "s1", "product_id": "p1", "order_id": "o1", "decision_id": "d1", "gpc": True,
        "occurred_at": from_micros(NOON), "user_id": "m1", "anonymous_id": None,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected


async def test_only_what_the_worker_has_done_is_archived(archive: Archive) -> None:
    await archive.send(*(f"m{number}" for number in range(30)))
    await archive.work(count=5)
    assert (await archive.archiver.flush())["events"] == 10
    await archive.work()
    assert (await archive.archiver.flush())["events"] == 20
    assert archive.message_ids() == Counter(f"m{number}" for number in range(30))


async def test_what_is_archived_leaves_the_log(archive: Archive) -> None:
    await archive.send(*(f"m{number}" for number in range(30)))
    await archive.work()
    await archive.archiver.flush()
    assert (await archive.archiver.flush())["events"] == 0
    for partition in range(PARTITIONS):
        assert await archive.client.xlen(stream_key(partition)) <= 1
        assert await archive.client.hlen(verdicts_key(partition)) == 0  # type: ignore[misc]
    assert (await archive.log.accounting()).applied == 30


class Crash:
    """Ends the archiver before its nth step: each command that goes to Redis, and each file, is one."""

    def __init__(self, archive: Archive, before: int, patch: pytest.MonkeyPatch) -> None:
        self._left = before
        commands, write = archive.client.execute_many, archive_files._write  # type: ignore[attr-defined]

        async def execute(asked: Any) -> Any:
            self._step()
            return await commands(asked)

        def written(*arguments: Any) -> None:
            self._step()
            write(*arguments)

        patch.setattr(archive.client, "execute_many", execute)
        patch.setattr(archive_files, "_write", written)

    def _step(self) -> None:
        if self._left == 0:
            raise KeyboardInterrupt
        self._left -= 1


async def test_a_crash_before_any_step_doubles_and_loses_nothing(archive: Archive) -> None:
    """Events of two partitions and two days, then others: each in the lake once, whatever step was the last."""
    archiver = Archiver(archive.lake, [archive.sources["events"]], every_seconds=1, no_build=nullcontext)
    first, all_of_them = [f"m{number}" for number in range(20)], Counter(f"m{number}" for number in range(30))
    for step in count():
        await archive.client.flushall()
        archive.log = RedisEventLog(archive.client, partitions=PARTITIONS)
        for folder in archive.lake.archive("events").glob("received_date=*"):
            shutil.rmtree(folder)
        for number, each in enumerate(first):
            await archive.send(each, received_at=NOON + number % 2 * DAY)
        await archive.work()
        with pytest.MonkeyPatch.context() as patch:
            Crash(archive, step, patch)
            try:
                await archiver.flush()
                break
            except KeyboardInterrupt:
                pass
        assert await archive.in_log() | set(archive.message_ids()) == set(first)
        await archive.send(*(f"m{number}" for number in range(20, 30)))
        await archive.work()
        await archiver.flush()
        await archiver.flush()
        assert archive.message_ids() == all_of_them, f"a crash before step {step}"
    assert step > 10


@pytest.mark.parametrize("dropped", [0, 1, 2])
async def test_a_crash_while_a_day_is_made_one_file_is_finished(archive: Archive, dropped: int) -> None:
    """The file is there; of the three that it was made of, so many are gone."""
    for number in range(3):
        await archive.send(f"m{number}")
        await archive.work()
        await archive.archiver.flush()
    ((folder, over),) = days_to_compact(archive.lake, "events", NOON + 2 * DAY)
    small = {path: path.read_bytes() for path in sorted(folder.glob("*.parquet"))}
    assert (over, compact_day(folder, over=over)) == (True, 3)
    for path, content in list(small.items())[dropped:]:
        path.write_bytes(content)
    assert compact_day(folder, over=over) == 0
    assert archive.message_ids() == Counter(["m0", "m1", "m2"])
    assert days_to_compact(archive.lake, "events", NOON + 2 * DAY) == []


async def test_a_late_file_of_a_day_that_is_over_joins_the_others(archive: Archive) -> None:
    for number in range(4):
        await archive.send(f"m{number}")
        await archive.work()
        await archive.archiver.flush()
        for folder, over in days_to_compact(archive.lake, "events", NOON + 2 * DAY):
            compact_day(folder, over=over)
    assert len(list(archive.lake.archive("events").glob("*/*.parquet"))) == 1
    assert archive.message_ids() == Counter(["m0", "m1", "m2", "m3"])


async def test_files_of_an_older_version_are_made_one_with_newer_ones(archive: Archive) -> None:
    await archive.send("m0")
    await archive.work()
    await archive.archiver.flush()
    (old,) = archive.lake.archive("events").glob("*/*.parquet")
    pq.write_table(pq.read_table(old, partitioning=None).drop_columns(["verdict", "fragment"]), old)
    await archive.send("m1")
    await archive.work()
    await archive.archiver.flush()
    compact_day(old.parent, over=True)
    assert {row["message_id"]: row["verdict"] for row in archive.rows("events")} == {"m0": None, "m1": "applied"}


async def test_events_are_filed_by_the_day_they_were_received(archive: Archive) -> None:
    await archive.send("m1", received_at=NOON)
    await archive.send("m2", received_at=NOON + DAY, occurred_at=NOON)
    await archive.work()
    await archive.archiver.flush()
    folders = {path.parent.name for path in archive.lake.archive("events").glob("*/*.parquet")}
    assert folders == {"received_date=2026-01-01", "received_date=2026-01-02"}


async def test_decisions_activations_rejected_events_and_movements_are_archived(archive: Archive) -> None:
    decision = Decision(
        decision_id="d1", moment_id="m", customer_id="c1", channel="web", placement="home", fallback=False
    )
    record = DecisionRecord(
        decision=decision, decided_at=NOON, store_id="s1", region=None, context_product_id=None, features={"a": 1.5},
        candidates=3, policy_version="1", model_version="2", catalog_version="3", rejected=[],
    )  # fmt: skip
    activation = ActivationRecord(
        activation_id="a1", trigger_id="t1", decision_id="d1", customer_id="c1", channel="email", destination="hook",
        status="delivered", reason="", caused_at=NOON, decided_at=None, finished_at=NOON, attempts=1,
    )  # fmt: skip
    rejection = Rejection(reason="NOT_JSON", message="No.", body=b"\xff{", received_at=NOON)
    settlement = Settlement(rejection_id=rejection.rejection_id, outcome="put_through", settled_at=NOON)
    counted = Movement(
        movement_id="v1", store_id="s1", product_id="p1", kind="count", quantity=4, occurred_at=NOON - DAY
    )
    movement = MovementRecord(received_at=NOON, movement=counted)
    for name, each in zip(RECORD_STREAMS, (record, activation, rejection, settlement, movement), strict=True):
        await RecordStream(archive.client, name).append([each])
    await archive.archiver.flush()
    assert [row["decision_id"] for row in archive.rows("decisions")] == ["d1"]
    assert archive.rows("decisions")[0]["features"] == '{"a":1.5}'
    assert [row["status"] for row in archive.rows("activations")] == ["delivered"]
    (rejected,) = archive.rows("rejected")
    assert (rejected["body"], rejected["size_bytes"], rejected["type"]) == (b"\xff{", 2, "")
    assert [row["rejection_id"] for row in archive.rows("settlements")] == [rejected["rejection_id"]]
    (row,) = archive.rows("movements")
    assert (row["movement_id"], row["quantity"], to_micros(row["occurred_at"])) == ("v1", 4, NOON - DAY)


async def test_an_unreadable_entry_is_kept_and_holds_up_nothing(archive: Archive) -> None:
    await archive.client.xadd("rtp:{decisions}", {"d": b"{}"})
    await archive.archiver.flush()
    assert archive.rows("decisions") == []
    assert [(row["reason"], row["source"]) for row in archive.rows("rejected")] == [("UNREADABLE", "decisions")]


async def test_only_one_archives_at_a_time(archive: Archive) -> None:
    with archive.archiver._alone(), pytest.raises(Retryable):
        await archive.archiver.flush()


async def test_many_small_files_of_a_day_become_one(archive: Archive) -> None:
    for number in range(MOST_SMALL_FILES + 1):
        await archive.send(f"m{number}")
        await archive.work()
        await archive.archiver.flush()
    ((folder, over),) = days_to_compact(archive.lake, "events", NOON)
    assert not over
    kept = next(iter(sorted(folder.glob("*.parquet"))))
    copy = kept.read_bytes()
    before = archive.message_ids()
    assert compact_day(folder) == MOST_SMALL_FILES + 1
    assert len(list(folder.glob("*.parquet"))) == 1
    assert archive.message_ids() == before
    kept.write_bytes(copy)
    assert compact_day(folder) == 0
    assert archive.message_ids() == before, "a crash before the small files were gone doubles nothing"
