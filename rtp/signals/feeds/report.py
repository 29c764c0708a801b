"""What a load did, per table."""

from typing import Literal

import msgspec

Status = Literal["loaded", "skipped"]


class TableLoad(msgspec.Struct, frozen=True, kw_only=True):
    """One file's fate. `read` = `loaded` + `quarantined`; a skipped file was loaded before, unchanged: its counts
    are those of that load.
    """

    table: str
    file: str
    status: Status
    read: int
    loaded: int
    quarantined: int
    reasons: dict[str, int] = {}
    """Quarantine reasons ("REASON column") and how many rows each has."""
    simulated: bool = False
    simulated_columns: str = ""
    seconds: float = 0.0


class LoadReport(msgspec.Struct, frozen=True, kw_only=True):
    """The whole load."""

    tables: list[TableLoad]
    ignored_files: list[str] = []
    """Files in the folder that are no table."""
    notes: list[str] = []
    """What a person should know: dates moved by how much, what is simulated."""

    @property
    def loaded(self) -> int:
        """Rows that this load brought in."""
        return sum(table.loaded for table in self.tables if table.status == "loaded")

    @property
    def quarantined(self) -> int:
        """Rows that this load refused."""
        return sum(table.quarantined for table in self.tables if table.status == "loaded")
