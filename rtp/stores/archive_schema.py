"""The columns of archived streams and identity links: what the archiver writes and the warehouse reads."""

from collections.abc import Mapping

from rtp.signals.feeds.schema_sql import empty_select, literal
from rtp.stores.feeds.prepare import write_schema
from rtp.stores.feeds.session import feed_session
from rtp.stores.lake import Lake, appearing

_TEXT, _TIME = "VARCHAR", "TIMESTAMP WITH TIME ZONE"

ARCHIVES: Mapping[str, list[tuple[str, str]]] = {
    "events": [
        ("partition", "INTEGER"),
        ("position", _TEXT),
        ("message_id", _TEXT),
        ("type", _TEXT),
        ("name", _TEXT),
        ("user_id", _TEXT),
        ("anonymous_id", _TEXT),
        ("partition_key", _TEXT),
        ("fragment", _TEXT),
        ("customer_id", _TEXT),
        ("duplicate", "BOOLEAN"),
        ("verdict", _TEXT),
        ("channel", _TEXT),
        ("store_id", _TEXT),
        ("product_id", _TEXT),
        ("order_id", _TEXT),
        ("decision_id", _TEXT),
        ("occurred_at", _TIME),
        ("received_at", _TIME),
        ("properties", _TEXT),
        ("traits", _TEXT),
        ("context", _TEXT),
        ("source", _TEXT),
        ("gpc", "BOOLEAN"),
    ],
    "decisions": [
        ("decision_id", _TEXT),
        ("moment_id", _TEXT),
        ("customer_id", _TEXT),
        ("channel", _TEXT),
        ("placement", _TEXT),
        ("store_id", _TEXT),
        ("decided_at", _TIME),
        ("fallback", "BOOLEAN"),
        ("policy_version", _TEXT),
        ("model_version", _TEXT),
        ("catalog_version", _TEXT),
        ("candidates", "INTEGER"),
        ("actions", _TEXT),
        ("rejected", _TEXT),
        ("features", _TEXT),
        ("experiments", _TEXT),
        ("trigger_id", _TEXT),
    ],
    "activations": [
        ("activation_id", _TEXT),
        ("trigger_id", _TEXT),
        ("decision_id", _TEXT),
        ("customer_id", _TEXT),
        ("channel", _TEXT),
        ("destination", _TEXT),
        ("status", _TEXT),
        ("reason", _TEXT),
        ("caused_at", _TIME),
        ("decided_at", _TIME),
        ("finished_at", _TIME),
        ("attempts", "INTEGER"),
    ],
    "rejected": [
        ("rejection_id", _TEXT),
        ("reason", _TEXT),
        ("message", _TEXT),
        ("field", _TEXT),
        ("type", _TEXT),
        ("size_bytes", "INTEGER"),
        ("body", "BLOB"),
        ("source", _TEXT),
        ("received_at", _TIME),
        ("call", _TEXT),
        ("sent_at", _TIME),
        ("context", _TEXT),
        ("gpc", "BOOLEAN"),
        ("key", _TEXT),
    ],
    "settlements": [
        ("rejection_id", _TEXT),
        ("outcome", _TEXT),
        ("settled_at", _TIME),
    ],
    "movements": [
        ("movement_id", _TEXT),
        ("store_id", _TEXT),
        ("product_id", _TEXT),
        ("kind", _TEXT),
        ("quantity", "INTEGER"),
        ("occurred_at", _TIME),
        ("to_store_id", _TEXT),
        ("order_id", _TEXT),
        ("reservation_id", _TEXT),
        ("basis", _TEXT),
        ("received_at", _TIME),
    ],
}
"""One row per log entry, decision, activation, rejected event and one put through since, stock movement.

Objects and lists are JSON text, as HTTP spells them.
"""

IDENTITY_LINKS: Mapping[str, list[tuple[str, str]]] = {
    "customer_link": [("source", _TEXT), ("customer_ref", _TEXT), ("customer_id", _TEXT)],
    "identifier_link": [
        ("identifier_type", _TEXT),
        ("identifier_value", _TEXT),
        ("customer_id", _TEXT),
        ("source", _TEXT),
    ],
}
"""The files `identity/<name>.parquet` that batch resolution writes before each build."""


RESERVATIONS = [("store_id", _TEXT), ("product_id", _TEXT), ("reserved", "INTEGER"), ("taken_at", _TIME)]
"""The file `stock/reservations.parquet`: what running reservations held when the build began."""


def prepare_archives(lake: Lake) -> None:
    """Writes the zero-row `_schema.parquet` of every archive; empty links and reservations where none are yet."""
    with feed_session() as connection:
        for stream, columns in ARCHIVES.items():
            write_schema(connection, lake.archive(stream), columns)
        files = {lake.identity_link(name): columns for name, columns in IDENTITY_LINKS.items()}
        for path, columns in (files | {lake.reservations: RESERVATIONS}).items():
            if path.exists():
                continue
            with appearing(path) as aside:
                connection.execute(f"COPY ({empty_select(columns)}) TO {literal(str(aside))} (FORMAT parquet)")
