"""A shopper's events, traits and export: out of the log and the archive, each event once, nobody else's."""

from datetime import UTC, datetime
from typing import Any

import duckdb

from rtp import wiring
from rtp.profile.history import traits_of
from rtp.serving.ports import Ports
from rtp.stores.archive_schema import ARCHIVES, prepare_archives
from tests.making import event
from tests.serving.conftest import Applied, Shop, problem


def archive(ports: Ports, **row: Any) -> None:
    """Writes one archived event."""
    lake = wiring.lake(ports.settings)
    prepare_archives(lake)
    folder = lake.archive("events") / "received_date=2026-01-01"
    folder.mkdir(parents=True, exist_ok=True)
    columns = dict(ARCHIVES["events"])
    values = {"properties": "{}", "traits": "{}", "context": "{}", "source": "web", "gpc": False, "duplicate": False}
    values |= row
    listed = ", ".join(f"CAST(${name} AS {columns[name]}) AS {name}" for name in values)
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT {listed}) TO '{folder}/{row['position']}.parquet'", values)


async def test_events_of_log_and_archive_are_one_list_newest_first(shop: Shop, ports: Ports, applied: Applied) -> None:
    await shop.send("track", userId="u7", messageId="m1", event="Product Viewed", properties={"product_id": "p1"})
    await shop.send("track", userId="u7", messageId="m1", event="Product Viewed", properties={"product_id": "p1"})
    await shop.send("track", userId="u8", messageId="m2", event="Product Viewed")
    await applied()
    found = await shop.profile("user_id:u7")
    customer = await ports.graph.customer(found["customerId"])
    assert customer is not None
    old = {
        "partition": 0,
        "position": "1-0",
        "message_id": "m0",
        "type": "track",
        "name": "Order Completed",
        "partition_key": customer.fragments[0],
        "customer_id": customer.customer_id,
        "occurred_at": datetime(2026, 1, 1, tzinfo=UTC),
        "received_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    archive(ports, **old)
    archive(ports, **old | {"position": "2-0", "message_id": "other", "customer_id": "c000000000000000000000000"})
    archive(ports, **old | {"position": "3-0", "message_id": "again", "duplicate": True})
    events = await shop.profile("user_id:u7", "/events")
    assert [(each["messageId"], each["name"]) for each in events] == [
        ("m1", "Product Viewed"),
        ("m0", "Order Completed"),
    ]
    assert events[0]["properties"] == {"product_id": "p1"}
    assert len(await shop.profile("user_id:u7", "/events?limit=1")) == 1
    problem(await shop.http.get("/v1/profiles/user_id:u7/events?limit=0"), 400, "BAD_FIELD")
    problem(await shop.http.get("/v1/profiles/user_id:nobody/events"), 404, "UNKNOWN_CUSTOMER")


async def test_traits_and_export_hold_what_was_said_last(shop: Shop, applied: Applied) -> None:
    await shop.send("identify", userId="u7", timestamp="2026-01-02T00:00:00Z", traits={"plan": "gold", "size": "M"})
    await shop.send("identify", userId="u7", timestamp="2026-01-01T00:00:00Z", traits={"plan": "basic", "age": 30})
    await applied()
    assert await shop.profile("user_id:u7", "/traits") == {"plan": "gold", "size": "M", "age": 30}
    exported = await shop.profile("user_id:u7", "/export")
    assert exported["identifiers"] == {"user_id": ["u7"]}
    assert exported["traits"]["plan"] == "gold"
    assert len(exported["events"]) == 2
    assert exported["eventsAreAll"] is True


def test_a_later_null_takes_a_trait_away_in_whatever_order_it_comes() -> None:
    first = event("m1", type="identify", traits={"plan": "gold"}, context={"traits": {"age": 3}})
    later = event("m2", type="identify", occurred_at=first.occurred_at + 1, traits={"plan": None})
    assert traits_of([first, later]) == traits_of([later, first]) == {"age": 3}
