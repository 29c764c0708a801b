"""Small marts that hold every type and every kind of missing value, some of them at the edge."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rtp.features.types import FeatureType
from rtp.features.view import View

AS_OF = datetime(2026, 3, 1, 4, 5, 6, 789_012, tzinfo=UTC)
ARROW: dict[FeatureType, pa.DataType] = {
    FeatureType.INT: pa.int64(),
    FeatureType.FLOAT: pa.float64(),
    FeatureType.TEXT: pa.string(),
    FeatureType.FLAG: pa.bool_(),
    FeatureType.TIME: pa.timestamp("us", "UTC"),
    FeatureType.TEXTS: pa.list_(pa.string()),
}
EDGES: dict[FeatureType, list[Any]] = {
    FeatureType.INT: [0, 1, -1, 127, 128, 16_384, 2**53, -(2**53)],
    FeatureType.FLOAT: [0.0, -0.0, 1.5, float("nan"), float("inf"), 1e-310, 0.1, -1e300],
    FeatureType.TEXT: ["", "a", "ü€", "x" * 200, "a\r\nb", "\x00", " ", "soup"],
    FeatureType.FLAG: [True, False],
    FeatureType.TIME: [
        datetime(1970, 1, 1, tzinfo=UTC), AS_OF, datetime(2026, 1, 1, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=UTC),
    ],
    FeatureType.TEXTS: [[], ["a"], ["", "b"], ["x" * 150, "ü"], [f"{n}" for n in range(60)]],
}  # fmt: skip


def rows_of(view: View, count: int, *, as_of: datetime = AS_OF) -> list[dict[str, Any]]:
    """Rows in which each feature runs through its edges and None, at its own pace."""
    rows = []
    for n in range(count):
        row: dict[str, Any] = {key: f"{key}-{n}" for key in view.entity.join_keys}
        row["as_of"] = as_of - timedelta(seconds=n % 3)
        for place, feature in enumerate(view.features):
            edges = [*EDGES[feature.type], None]
            row[feature.name] = edges[(n * (place + 1) + place) % len(edges)]
        rows.append(row)
    return rows


def write_mart(path: Path, view: View, rows: list[dict[str, Any]], *, decimals: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kinds = {feature.name: ARROW[feature.type] for feature in view.features}
    if decimals:
        kinds = {name: pa.decimal128(38, 3) if kind == pa.float64() else kind for name, kind in kinds.items()}
        rows = [{name: _decimal(value) for name, value in row.items()} for row in rows]
    schema = pa.schema(
        [*((key, pa.string()) for key in view.entity.join_keys), ("as_of", pa.timestamp("us", "UTC")), *kinds.items()]
    )
    pq.write_table(pa.Table.from_pylist(rows, schema), path)


def _decimal(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return Decimal(str(value)).quantize(Decimal("0.001")) if abs(value) < 1e6 else Decimal("123456789.123")
