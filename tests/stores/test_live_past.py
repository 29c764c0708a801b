"""Live rows of the past, out of real archive files."""

from pathlib import Path
from typing import Any

import msgspec

from rtp.stores.archive_files import write_batch
from rtp.stores.archive_rows import StoredEntry, event_row
from rtp.stores.archive_schema import prepare_archives
from rtp.stores.lake import Lake
from rtp.stores.live_past import archived_live_rows
from tests.making import NOON, SECOND, event, user_key

HELD = [
    # Before the sign-in the events were another customer's: nobody's, by the cookie.
    ("applied cA", {"user_id": None, "anonymous_id": "cookie"}),
    ("applied c1", {"user_id": "u1", "anonymous_id": "cookie"}),
    ("duplicate c1", {"user_id": "u1", "anonymous_id": "cookie"}),
    ("applied cF", {"user_id": None, "anonymous_id": "family"}),
    ("applied c1", {"user_id": "u1", "anonymous_id": "family"}),
    ("applied c2", {"user_id": "u2", "anonymous_id": "family"}),
]


def archive(folder: Path) -> Lake:
    lake = Lake(folder)
    prepare_archives(lake)
    rows = []
    for number, (verdict, who) in enumerate(HELD):
        changes: dict[str, Any] = {**who, "received_at": NOON + number * SECOND}
        fields = {b"d": msgspec.json.encode(event(f"m{number}", **changes)), b"k": user_key().encode()}
        rows.append(event_row(StoredEntry(0, f"{number + 1}-0", fields, verdict)))
    write_batch(lake, "events", "all", rows)
    return lake


def test_a_customers_row_holds_what_they_did_before_signing_in_on_a_device_of_theirs_alone(tmp_path: Path) -> None:
    lake = archive(tmp_path)
    end = NOON + 60 * SECOND
    asked = [("c1", end), ("c2", end), ("c1", NOON + 1), ("c9", end)]
    rows = archived_live_rows(lake, asked)
    assert [row.get("product_views_24h") for row in rows] == [3, 1, 1, None]
    assert rows[0]["as_of"] == end
