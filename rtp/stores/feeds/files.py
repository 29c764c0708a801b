"""Which files a folder brings, for which tables, in which format, with which content."""

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from rtp.errors import Rejected
from rtp.signals.feeds import CONTRACTS

Format = Literal["parquet", "csv", "jsonl", "query"]
FORMATS: dict[str, Format] = {".parquet": "parquet", ".csv": "csv", ".jsonl": "jsonl"}
DELIMITERS = (",", ";", "\t", "|")


class FeedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of one table. `digest` names its content: the same content is never loaded twice."""

    table: str
    path: Path
    format: Format
    digest: str
    simulated: bool = False
    """Everything in it is made up."""
    simulated_columns: str = ""
    """Names, separated by commas, of the columns that are made up in rows that are otherwise real."""

    sql: str = ""
    """Format `query`: gives the table's columns and `_row`, the line in `path`."""

    @property
    def name(self) -> str:
        """What messages, reports and `_file` call it."""
        return self.path.name


def discover(folder: Path) -> tuple[list[FeedFile], list[str]]:
    """The table files of a folder, in the order of the contracts, and the names of all other files.

    Raises Rejected if the folder cannot be read, holds no table, or holds one table twice.
    """
    if not folder.is_dir():
        raise Rejected(f"{folder} is not a folder.", reason="NO_FOLDER", hint="Give the folder that holds the files.")
    found: dict[str, Path] = {}
    ignored = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in FORMATS or path.stem not in CONTRACTS or not path.is_file():
            ignored.append(path.name)
            continue
        if path.stem in found:
            raise Rejected(
                f"{found[path.stem].name} and {path.name} are both the table {path.stem}.",
                reason="TABLE_TWICE",
                hint="Keep one file per table.",
            )
        found[path.stem] = path
    if not found:
        names = ", ".join(CONTRACTS)
        raise Rejected(
            f"{folder} holds no table.",
            reason="EMPTY_LOAD",
            hint=f"Name each file after its table, as .parquet, .csv or .jsonl: {names}.",
        )
    return [_feed_file(table, found[table]) for table in CONTRACTS if table in found], ignored


def _feed_file(table: str, path: Path) -> FeedFile:
    file_format = FORMATS[path.suffix.lower()]
    if table == "events" and file_format != "jsonl":
        raise unreadable(path, "events come as JSON lines", hint="Write one Segment envelope a line to events.jsonl.")
    return FeedFile(table=table, path=path, format=file_format, digest=content_digest([path]))


def content_digest(paths: Sequence[Path], *more: str) -> str:
    """128 bits that change with any of the files' bytes or of the further texts."""
    digest = hashlib.sha256("\0".join(more).encode())
    for path in paths:
        try:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise unreadable(path, error.strerror or "it cannot be opened") from error
    return digest.hexdigest()[:32]


def csv_header(path: Path) -> tuple[list[str], str]:
    """The column names of a CSV file, in lower case, and its delimiter. Raises Rejected naming what is wrong."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        line = file.readline()
    if not line.strip():
        raise unreadable(path, "it has no header line", hint="The first line must name the columns.")
    delimiter = max(DELIMITERS, key=lambda mark: (line.count(mark), -DELIMITERS.index(mark)))
    names = [name.strip().lower() for name in next(csv.reader([line], delimiter=delimiter))]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise unreadable(path, f"its header names {twice[0]!r} twice")
    return names, delimiter


def unreadable(path: Path, why: str, *, hint: str = "Mend or remove the file and load again.") -> Rejected:
    """The error that stops a load before anything of it lands."""
    return Rejected(f"{path.name} cannot be read: {why}.", reason="UNREADABLE_FILE", field=path.name, hint=hint)
