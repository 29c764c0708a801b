"""What was archived is read back as it was in the log."""

from pathlib import Path

import msgspec

from rtp.signals.event import LogEntry
from rtp.stores.archive_files import write_batch
from rtp.stores.archive_rows import StoredEntry, event_row
from rtp.stores.archive_schema import prepare_archives
from rtp.stores.archived_events import archived_events
from rtp.stores.lake import Lake
from tests.making import DAY, NOON, event, user_key

VERDICTS = {"9-1": "applied", "9-10": "duplicate", "9-2": "rejected", "10-0": "applied"}


def entry(position: str) -> LogEntry:
    properties = {"productId": "p1", "price": "1.10", "products": [{"quantity": 2}]}
    told = {"channel": "store"}
    late = event(
        position, received_at=NOON + DAY, properties=properties, context=told, traits={"a": None}, gpc=True
    )  # fmt: skip
    return LogEntry(1, position, user_key(), late)


def archived_lake(folder: Path) -> Lake:
    lake = Lake(folder)
    prepare_archives(lake)
    for position, verdict in VERDICTS.items():
        each = entry(position)
        fields = {b"d": msgspec.json.encode(each.event), b"k": each.partition_key.encode()}
        row = event_row(StoredEntry(each.partition, position, fields, f"{verdict} c1"))
        write_batch(lake, "events", f"f{position}", [row])
    return lake


def test_events_come_back_whole_in_log_order_with_what_became_of_them(tmp_path: Path) -> None:
    rows = list(archived_events(archived_lake(tmp_path), partition=1))
    assert [row.entry for row in rows] == [entry(each) for each in ("9-1", "9-2", "9-10", "10-0")]
    assert [row.verdict for row in rows] == ["applied", "rejected", "duplicate", "applied"]


def test_other_partitions_and_keys_are_left_out(tmp_path: Path) -> None:
    lake = archived_lake(tmp_path)
    assert not list(archived_events(lake, partition=0))
    assert not list(archived_events(lake, partition_keys=[user_key("other")]))
    assert len(list(archived_events(lake, partition_keys=[user_key()]))) == 4
