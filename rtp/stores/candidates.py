"""Marts as just built, laid aside as Parquet for the checks that decide whether they are published."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rtp.settings import Settings
from rtp.signals.feeds.schema_sql import literal, quoted
from rtp.stores.warehouse import connect


@contextmanager
def candidate_marts(settings: Settings, names: Iterable[str]) -> Iterator[dict[str, Path]]:
    """Mart to Parquet file, gone afterwards; the warehouse is open only while they are written."""
    with tempfile.TemporaryDirectory(prefix="candidates-", dir=settings.state_dir) as folder:
        paths = {name: Path(folder) / f"{name}.parquet" for name in names}
        with connect(settings) as connection:
            for name, path in paths.items():
                connection.execute(f"COPY marts.{quoted(name)} TO {literal(str(path))} (FORMAT parquet)")
        yield paths
