"""The Parquet lake: where each kind of file lies, and how one appears whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec


class Lake(msgspec.Struct, frozen=True):
    """Paths below the lake's root.

    feeds/<table>/<content hash>.parquet         what `rtp load` took in, typed as docs/data.md says
    quarantine/<table>/<content hash>.parquet    the rows that it refused, with line and reason
    set_aside/<table>/<content hash>.parquet     deliveries that quality stopped, taken out of the feed
    events|decisions|activations|movements|.../received_date=YYYY-MM-DD/<first>-<last>.parquet   archived from the log
    identity/customer_link|identifier_link.parquet    who is who, as resolved just before the build
    identity/probable_link|link_review|compared|known_as.parquet    what linked them (rtp.stores.linkage_lake)
    stock/reservations.parquet                   what running reservations held when the last build began
    versions/<version>/<mart>/data.parquet       published marts; `marts` is a symlink to the current version
    """

    root: Path

    @property
    def load_lock(self) -> Path:
        """Held by whoever loads."""
        return self.root / ".load.lock"

    @property
    def archive_lock(self) -> Path:
        """Held by whoever archives the log."""
        return self.root / ".archive.lock"

    @property
    def replay_lock(self) -> Path:
        """Held by whoever rebuilds fragments from the archive."""
        return self.root / ".replay.lock"

    @property
    def replaying(self) -> Path:
        """Where a replay spills what does not fit into memory."""
        return self.root / ".replay"

    def feed(self, table: str) -> Path:
        """The folder of one loaded table."""
        return self.root / "feeds" / table

    def quarantine(self, table: str) -> Path:
        """The folder of the rows of one table that a load refused."""
        return self.root / "quarantine" / table

    @property
    def incoming(self) -> Path:
        """Where a load works before its files appear in the feeds."""
        return self.root / "incoming"

    def set_aside(self, table: str) -> Path:
        """The folder of the files of one table that quality stopped and an operator took out."""
        return self.root / "set_aside" / table

    def archive(self, stream: str) -> Path:
        """The folder of one archived stream: events, decisions, activations, rejected, settlements, movements."""
        return self.root / stream

    def identity_link(self, name: str) -> Path:
        """The Parquet file of resolved identity: customer_link or identifier_link."""
        return self.root / "identity" / f"{name}.parquet"

    @property
    def reservations(self) -> Path:
        """The Parquet file of the reservations that ran when the last build began."""
        return self.root / "stock" / "reservations.parquet"

    @property
    def versions(self) -> Path:
        """The folder of all published versions that are kept."""
        return self.root / "versions"

    @property
    def marts(self) -> Path:
        """The published marts: a symlink that one `os.replace` swaps."""
        return self.root / "marts"

    def mart(self, name: str) -> Path:
        """The Parquet file of one published mart, in the current version."""
        return self.marts / name / "data.parquet"

    def published_version(self) -> str | None:
        """The name of the published version, or None before the first build."""
        return self.marts.readlink().name if self.marts.is_symlink() else None


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Yields a path aside to write to; on success the file appears at `path` whole, on an error not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield aside
        with aside.open("rb") as written:
            os.fsync(written.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def write_private(path: Path, content: bytes) -> None:
    """Writes a file that only its owner may read; it appears whole or not at all."""
    with appearing(path) as aside:
        aside.touch(mode=0o600)
        aside.write_bytes(content)
