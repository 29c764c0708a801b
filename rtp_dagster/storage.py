"""Dagster's SQLite files without several disk flushes per event.

Dagster opens, commits and closes its files anew for each event. SQLite flushes on commit, and again on closing, since
whoever closes a file last writes its log back. On a busy disk the 500 events of a build then cost more than its dbt
models. So this process keeps each file open besides, and commits without a flush: in WAL mode, which Dagster sets,
that cannot corrupt a file. A power cut may lose the last moments of the run history, never data of ours.
Source: https://sqlite.org/wal.html, https://sqlite.org/pragma.html#pragma_synchronous
"""

import sqlite3
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

_kept_open: dict[str, sqlite3.Connection] = {}


@event.listens_for(Engine, "connect")
def _flush_rarely(connection: Any, _record: Any) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.execute("PRAGMA synchronous = NORMAL")
    path = str(connection.execute("PRAGMA database_list").fetchone()[2])
    if path and path not in _kept_open:
        keeper = sqlite3.connect(path, check_same_thread=False)
        # Only a connection that has read the file counts as one that is open.
        keeper.execute("SELECT count(*) FROM sqlite_master").fetchone()
        _kept_open[path] = keeper
