"""Erasing out of what is neither Parquet, DuckDB nor Redis: the catalogue of models, audiences, documents, logs."""

import mmap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rtp.profile.erasure import Subject
from rtp.stores.audience_sync import AudienceSync
from rtp.stores.audiences import Definition
from rtp.stores.lake import appearing

NOT_TEXT = {".parquet", ".duckdb", ".wal", ".npy", ".db", ".db-wal", ".db-shm", ".aof", ".rdb", ".ubj"}
NOT_SEARCHED = {"keys.json", "suppressed", "erasing"}
"""The installation's own: none of them tells anybody about a person, and the last goes when the erasure is done."""


class CatalogCustomers:
    """A Place: the catalogues that models were trained with. What was bought stays, without whose it was."""

    name = "models/catalog"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def erase(self, subject: Subject) -> int:
        """See Place."""
        gone = np.array(sorted(subject.customer_ids), dtype=np.bytes_)
        return sum(_anonymize(path, gone) for path in sorted(self._folder.glob("*/customers.ids.npy")))


def _anonymize(path: Path, gone: "np.ndarray[Any, np.dtype[np.bytes_]]") -> int:
    """The ids stay sorted: an erased one becomes its neighbour's, which is looked up first, or nobody's."""
    ids = np.load(path)
    rows = np.flatnonzero(np.isin(ids, gone))
    if not len(rows):
        return 0
    for row in rows:
        ids[row] = ids[row - 1] if row else b""
    with appearing(path) as aside, aside.open("wb") as file:
        np.save(file, ids)
    return len(rows)


class Audiences:
    """A Place: memberships, which the destinations are told to end first."""

    name = "audiences"

    def __init__(self, sync: AudienceSync, definitions: Callable[[], Sequence[Definition]]) -> None:
        self._sync = sync
        self._definitions = definitions

    async def erase(self, subject: Subject) -> int:
        """See Place; raises Retryable where a destination does not take the removal."""
        return await self._sync.forget(self._definitions(), subject.customer_ids)


class Documents:
    """A Place: logs, Data Docs, results of checks. They should not name anybody; if one does, it is blotted out."""

    name = "documents and logs"

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir

    async def erase(self, subject: Subject) -> int:
        """See Place."""
        paths = [path for path in files_below(self._state_dir) if path.suffix not in NOT_TEXT]
        return sum(_blot(path, subject.traces) for path in paths)


def files_below(folder: Path) -> list[Path]:
    """All files that may hold something about people: the installation's own secrets and lists are left out."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not path.is_symlink()
        and not {path.name, path.parent.name} & NOT_SEARCHED
        and path.stat().st_size
    ]


def _blot(path: Path, traces: Sequence[str]) -> int:
    """In place and of the same length: whoever has the file open goes on writing at its end."""
    found = 0
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        for trace in map(str.encode, traces):
            for at in positions(data, trace):
                data[at : at + len(trace)] = b"*" * len(trace)
                found += 1
    return found


def positions(data: mmap.mmap, trace: bytes) -> Iterator[int]:
    """Where a trace occurs."""
    at = data.find(trace)
    while at >= 0:
        yield at
        at = data.find(trace, at + len(trace))
