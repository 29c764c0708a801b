"""Publishing: the marts as Parquet files that appear all at once, or not at all."""

import os
import re
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

import duckdb
import msgspec

from rtp.errors import Rejected
from rtp.settings import Settings
from rtp.signals.feeds.schema_sql import literal, quoted
from rtp.stores.lake import Lake
from rtp.stores.warehouse import connect

SCHEMA = "marts"
KEPT_VERSIONS = 3
MANIFEST = "manifest.json"

_VERSION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class PublishedVersion(msgspec.Struct, frozen=True):
    """What `manifest.json` of a version says."""

    version: str
    rows: Mapping[str, int]
    """Mart to number of rows."""


def publish(settings: Settings, version: str) -> PublishedVersion:
    """Copies every mart aside and swaps the `marts` link to the copy; on any error the old version stays served.

    Call it after the checks have passed. Publishing the version that is served again is refused, so that no
    reader ever sees a file change under it.
    """
    lake = Lake(settings.lake_dir)
    _check_name(lake, version)
    with connect(settings) as connection:
        published = _write_version(connection, lake, version)
    _swap(lake, version)
    _drop_old(lake, version)
    return published


def read_manifest(settings: Settings) -> PublishedVersion | None:
    """What is published now, or None before the first build."""
    path = Lake(settings.lake_dir).marts / MANIFEST
    return msgspec.json.decode(path.read_bytes(), type=PublishedVersion) if path.exists() else None


def _check_name(lake: Lake, version: str) -> None:
    if not _VERSION_NAME.fullmatch(version):
        raise Rejected(
            f"{version!r} cannot name a version.",
            reason="BAD_VERSION",
            hint="Use letters, digits, dots, hyphens and underscores.",
        )
    if lake.published_version() == version:
        raise Rejected(f"Version {version} is published already.", reason="BAD_VERSION", hint="Use a new name.")


def _write_version(connection: duckdb.DuckDBPyConnection, lake: Lake, version: str) -> PublishedVersion:
    marts = connection.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = ? ORDER BY table_name", [SCHEMA]
    ).fetchall()
    if not marts:
        raise Rejected("The warehouse has no marts to publish.", reason="NO_MARTS", hint="Run `rtp build` first.")
    aside = lake.versions / f".{version}.{secrets.token_hex(4)}.tmp"
    try:
        rows = {str(mart): _copy_mart(connection, str(mart), aside / str(mart)) for (mart,) in marts}
        published = PublishedVersion(version, rows)
        _write_durably(aside / MANIFEST, msgspec.json.encode(published))
        shutil.rmtree(lake.versions / version, ignore_errors=True)
        aside.rename(lake.versions / version)
        _sync_folder(lake.versions)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return published


def _copy_mart(connection: duckdb.DuckDBPyConnection, mart: str, folder: Path) -> int:
    """Writes one mart; times become microseconds UTC, which is what Feast's offline store reads."""
    folder.mkdir(parents=True)
    path = folder / "data.parquet"
    columns = connection.execute(f"DESCRIBE {SCHEMA}.{quoted(mart)}").fetchall()
    selected = ", ".join(_as_published(str(column[0]), str(column[1])) for column in columns)
    copy = f"COPY (SELECT {selected} FROM {SCHEMA}.{quoted(mart)}) TO {literal(str(path))} (FORMAT parquet)"
    (count,) = connection.execute(copy).fetchone() or (0,)
    with path.open("rb") as written:
        os.fsync(written.fileno())
    _sync_folder(folder)
    return int(count)


def _as_published(name: str, sql_type: str) -> str:
    if sql_type == "TIMESTAMP WITH TIME ZONE":
        return quoted(name)
    if sql_type.startswith("TIMESTAMP"):
        return f"CAST({quoted(name)} AS TIMESTAMP WITH TIME ZONE) AS {quoted(name)}"
    # Sums in DuckDB are 38 digits wide; readers of Parquet take 18 as plain 64-bit integers.
    wide = re.fullmatch(r"DECIMAL\(38,(\d+)\)", sql_type)
    return f"CAST({quoted(name)} AS DECIMAL(18,{wide[1]})) AS {quoted(name)}" if wide else quoted(name)


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _swap(lake: Lake, version: str) -> None:
    aside = lake.root / f".marts.{secrets.token_hex(4)}.tmp"
    aside.symlink_to(Path("versions") / version)
    aside.replace(lake.marts)
    _sync_folder(lake.root)


def _drop_old(lake: Lake, version: str) -> None:
    """Keeps the newest versions, so that readers of the last ones can finish and going back is possible."""
    versions = [path for path in lake.versions.iterdir() if path.is_dir() and not path.name.startswith(".")]
    versions.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in versions[KEPT_VERSIONS:]:
        if path.name != version:
            shutil.rmtree(path, ignore_errors=True)
