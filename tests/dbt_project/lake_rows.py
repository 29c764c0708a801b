"""Writes rows into the lake as the archiver and batch resolution do, and a small retailer's history to test against."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from rtp.stores.archive_schema import ARCHIVES, IDENTITY_LINKS
from rtp.stores.lake import Lake, appearing

Row = Mapping[str, Any]


def write_parquet(path: Path, columns: Sequence[tuple[str, str]], rows: Sequence[Row]) -> None:
    """Rows of plain values as a typed Parquet file; what a row does not name is null."""
    selected = ", ".join(f"CAST(row ->> '$.{name}' AS {sql_type}) AS \"{name}\"" for name, sql_type in columns)
    with appearing(path) as aside, duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        values = [json.dumps(row) for row in rows]
        query = f"SELECT {selected} FROM (SELECT CAST(unnest(?) AS JSON) AS row)"
        connection.execute(f"COPY ({query}) TO '{aside}' (FORMAT parquet)", [values])


def write_archive(lake: Lake, stream: str, rows: Sequence[Row], name: str = "0-1.parquet") -> None:
    """One archive file; all its rows are of one day received."""
    day = next(str(row[key]) for row in rows for key in ("received_at", "decided_at", "finished_at") if key in row)[:10]
    write_parquet(lake.archive(stream) / f"received_date={day}" / name, ARCHIVES[stream], rows)


def write_links(lake: Lake, customers: Sequence[Row], identifiers: Sequence[Row]) -> None:
    """The two files of resolved identity."""
    write_parquet(lake.identity_link("customer_link"), IDENTITY_LINKS["customer_link"], customers)
    write_parquet(lake.identity_link("identifier_link"), IDENTITY_LINKS["identifier_link"], identifiers)


def event(message_id: str, name: str, at: str, **fields: Any) -> Row:
    """An archived track event; `properties` may be a mapping."""
    properties = json.dumps(fields.pop("properties", {}))
    base = {"partition": 0, "position": f"{message_id}-0", "type": "track", "partition_key": "p1", "source": "web"}
    times = {"occurred_at": at, "received_at": at}
    return {**base, **times, "message_id": message_id, "name": name, "properties": properties, **fields}


def movement(movement_id: str, kind: str, quantity: int, at: str, product_id: str, **fields: Any) -> Row:
    """An archived movement of store S01."""
    base = {"movement_id": movement_id, "store_id": "S01", "kind": kind, "quantity": quantity, "product_id": product_id}
    return {**base, "occurred_at": at, "received_at": "2026-06-29T14:00:00Z", "basis": "on_hand", **fields}


def decision(decision_id: str, at: str, customer_id: str | None, products: Sequence[str], **fields: Any) -> Row:
    """An archived decision that showed these products, in this order."""
    actions = [
        {"actionId": f"product:{product}", "kind": "product", "productId": product, "position": position}
        for position, product in enumerate(products, 1)
    ]
    return {
        "decision_id": decision_id,
        "customer_id": customer_id,
        "decided_at": at,
        "channel": "web",
        "placement": "home_hero",
        "actions": json.dumps(actions),
        **fields,
    }
