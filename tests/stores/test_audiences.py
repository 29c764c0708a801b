"""Audiences: who is in by the marts, who may be sent, and sending that survives interruptions."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from rtp.activation.audiences import Audience, hashed
from rtp.activation.destinations import Destination
from rtp.clock import system_clock
from rtp.errors import Fatal, Retryable
from rtp.settings import Settings, checkout_root
from rtp.stores import audience_sync
from rtp.stores.audiences import AudienceFiles, Definition, members, read_audiences
from rtp.stores.lake import Lake
from tests.receiver import Receiver

SECRET = "whsec_" + "c2VjcmV0LXRoYXQtaXMtbG9uZy1lbm91Z2gtMTIz"
AUDIENCE = Audience(name="Loyal", description="", owner="team:marketing", destination="crm", batch_size=2)

PROFILES = """
    select * from (values
        ('yes', 9, 200, 40, 7.0, true), ('no', 9, 200, 40, 7.0, false), ('silent', 9, 200, 40, 7.0, null),
        ('recent', 9, 200, 3, 7.0, true), ('unreachable', 9, 200, 40, 7.0, true)
    ) as t (customer_id, orders_365d, tenure_days, recency_days, avg_days_between_orders, consent_marketing_email)
"""
IDENTIFIERS = """
    select customer_id, 'email' as identifier_type, customer_id || '@example.org' as identifier_value,
           timestamptz '2026-01-01 00:00:00+00' as first_seen_at
    from (values ('yes'), ('no'), ('silent'), ('recent')) as t (customer_id)
"""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Two published marts."""
    made = Lake(tmp_path / "lake")
    for name, query in (("customer_profile", PROFILES), ("customer_identifier", IDENTIFIERS)):
        folder = made.root / "versions" / "v1" / name
        folder.mkdir(parents=True)
        duckdb.sql(f"copy ({query}) to '{folder}/data.parquet' (format parquet)")
    made.marts.symlink_to("versions/v1")
    return made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def test_only_who_lapsed_and_said_yes_and_can_be_matched_is_a_member(lake: Lake) -> None:
    (definition,) = [each for each in read_audiences(checkout_root() / "config") if each.audience_id == "lapsing_loyal"]
    assert members(lake, definition) == {"yes": {"email": hashed("email", "yes@example.org")}}


def test_a_query_that_fails_says_which_file_to_mend(lake: Lake) -> None:
    with pytest.raises(Fatal) as caught:
        members(lake, Definition("loyal", AUDIENCE, "select nothing from nowhere"))
    assert "config/audiences/loyal.sql" in caught.value.hint


def test_an_interrupted_audience_goes_on_where_it_stopped(
    settings: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = {f"c{number}": {"email": hashed("email", f"{number}@example.org")} for number in range(5)}
    monkeypatch.setattr(audience_sync, "members", lambda lake, definition: now)
    files = AudienceFiles(settings.state_dir / "audiences")
    destination = Destination(name="crm", url=receiver.url, secret=SECRET, timeout_seconds=5)
    sync = audience_sync.AudienceSync(Lake(settings.lake_dir), files, {"crm": destination}, system_clock)
    definition = Definition("loyal", AUDIENCE, "")
    receiver.answers = [200, 500]
    with pytest.raises(Retryable):
        asyncio.run(sync.send(definition))
    assert sorted(files.sent("loyal").members) == ["c0", "c1"]
    assert asyncio.run(sync.send(definition)).added == 3
    told = [person["customerId"] for _, body in receiver.taken for person in json.loads(body)["data"]["added"]]
    assert told == sorted(now)
    assert asyncio.run(sync.send(definition)).messages == 0
