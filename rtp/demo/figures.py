"""Figures that the summary reads from what was built, not from what was meant to be built."""

import duckdb
import pyarrow.parquet as pq

from rtp.demo.summary import ModelFigures
from rtp.settings import Settings
from rtp.stores.lake import Lake
from rtp.stores.models import load_manifest, rankers

METRIC = "recall@10"
BASELINE = "own_frequency"


def mart_rows(settings: Settings) -> dict[str, int]:
    """Rows of every published mart."""
    files = Lake(settings.lake_dir).marts.glob("*/data.parquet")
    return {path.parent.name: pq.read_metadata(path).num_rows for path in files}


def source_name(settings: Settings) -> str:
    """The systems whose sales are loaded, as the data names them."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select distinct source from read_parquet($lines, union_by_name = true) order by source",
            {"lines": f"{settings.lake_dir}/feeds/order_lines/*.parquet"},
        ).fetchall()
    return ", ".join(row[0] for row in rows)


def model_figures(settings: Settings) -> ModelFigures | None:
    """The live ranker's own figures from its manifest; None if none is live."""
    versions = rankers(settings.models_dir)
    version = versions.current()
    if version is None:
        return None
    manifest = load_manifest(versions.folder / version)
    return ModelFigures(version, METRIC, manifest.metrics[METRIC], manifest.baseline[f"{BASELINE}:{METRIC}"])
