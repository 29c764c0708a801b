"""What the linkage leaves in the lake, below `identity/`: names of records and figures, nothing about the people.

probable_link   pairs of records that are one customer, with the evidence; they stand until a record changes
link_review     links held back, with the reason
compared        records compared before (source, customer_ref), with a fingerprint of what they said then
known_as        whose identifiers were before probable links, for the customers that those made one
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from rtp.stores.lake import Lake, appearing

Record = tuple[str, str]
"""(source, customer_ref)."""


class _Between(msgspec.Struct, frozen=True):
    """What is said of two records."""

    left_source: str
    left_ref: str
    right_source: str
    right_ref: str

    @property
    def ends(self) -> tuple[Record, Record]:
        """The two records."""
        return (self.left_source, self.left_ref), (self.right_source, self.right_ref)


class ProbableLink(_Between, frozen=True):
    """Two records that are one person beyond the threshold."""

    match_weight: float
    match_probability: float
    model_version: str
    linked_at: datetime


class ReviewLink(_Between, frozen=True):
    """A link between two customers that was held back."""

    reason: str
    detail: str
    match_weight: float
    model_version: str
    found_at: datetime


class KnownAs(msgspec.Struct, frozen=True):
    """An identifier and whose it was before probable links."""

    identifier_type: str
    identifier_value: str
    customer_id: str


COMPARED = "compared"
Row = TypeVar("Row", ProbableLink, ReviewLink, KnownAs)
_FILES: Mapping[type, str] = {ProbableLink: "probable_link", ReviewLink: "link_review", KnownAs: "known_as"}
_TYPES = {str: pa.string(), float: pa.float64(), datetime: pa.timestamp("us", "UTC")}


def read_rows(lake: Lake, kind: type[Row]) -> list[Row]:
    """The rows of a file; none before it was first written."""
    path = lake.identity_link(_FILES[kind])
    if not path.exists():
        return []
    return [msgspec.convert(row, kind) for row in pq.read_table(path).to_pylist()]


def write_rows(lake: Lake, kind: type[Row], rows: Sequence[Row]) -> None:
    """Replaces a file, at once."""
    fields = msgspec.structs.fields(kind)
    columns: dict[str, Any] = {
        field.name: pa.array([getattr(row, field.name) for row in rows], _TYPES[field.type]) for field in fields
    }
    with appearing(lake.identity_link(_FILES[kind])) as aside:
        pq.write_table(pa.table(columns), aside)
