"""What the warehouse was built from, so that a build leaves out what would come out as it is.

The answers lie in the DuckDB file itself (schema `build`): they come and go with it.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from importlib import metadata
from pathlib import Path

import duckdb
import msgspec

from rtp.settings import Settings
from rtp.stores.dbt_graph import DbtGraph, is_daily, materialization, read_graph
from rtp.stores.lake import Lake
from rtp.stores.lake_facts import data_files
from rtp.stores.warehouse import connect

PROJECT = "project"
"""The input that stands for the models themselves and for the programs that build them."""
PLACE = "place"
"""The input that stands for where the lake lies: views have it written into them."""
CLOCK = "model.rtp.int_as_of"
"""The one model that the clock changes: while today's events come in, it says now."""
EMPTY = ""
"""The version of a source without data."""

Inputs = Mapping[str, str]
"""Version by input: a dbt source's unique id, or PROJECT."""


class Due(msgspec.Struct, frozen=True):
    """What a build has to do."""

    left_out: Sequence[str] = ()
    """Names of models and tests that would come out as they are."""
    nothing: bool = False
    anew: bool = False
    """Tables that grow begin again, because another project made what they hold."""

    @property
    def arguments(self) -> list[str]:
        """For `dbt build`. Tests are named one by one, so that leaving a view out leaves its tests in."""
        left_out = ["--exclude", " ".join(self.left_out), "--indirect-selection", "empty"] if self.left_out else []
        return [*left_out, *(["--full-refresh"] if self.anew else [])]


@contextmanager
def due(settings: Settings, *, day: date | None = None, whole: bool = False, partial: bool = False) -> Iterator[Due]:
    """Says what is to be built, and notes what it was built from if the block ends well; hold the lock around it.

    `whole`: everything anew, whatever is known. `partial`: the caller has a selection of its own; as that may take in
    what other models have not seen, the next build is of all models. So is the next one after a build that failed.
    """
    inputs = current_inputs(settings)
    known = {} if whole else _known(settings)
    left = _left(settings, inputs, known, day, partial=partial)
    if not left.nothing:
        # What is built from here on stays unknown until all of it is done; but not by which project.
        _note(settings, {} if left.anew else {PROJECT: known[PROJECT]} if PROJECT in known else {})
    yield left
    if not (partial or left.nothing):
        _note(settings, inputs)


def current_inputs(settings: Settings) -> dict[str, str]:
    """The versions of everything that the warehouse is made from, as the lake is now."""
    lake = Lake(settings.lake_dir)
    inputs = {f"source.rtp.feeds.{path.name}": _folder(path) for path in _folders(lake.root / "feeds")}
    inputs |= {f"source.rtp.archive.{path.name}": _folder(path) for path in _folders(lake.root)}
    inputs |= {
        f"source.rtp.{folder}.{path.stem}": _digest(path.read_bytes())
        for folder in ("identity", "stock")
        for path in (lake.root / folder).glob("*.parquet")
    }
    return inputs | {PROJECT: _project(settings.root / "dbt_project"), PLACE: str(settings.lake_dir)}


def _left(settings: Settings, inputs: Inputs, known: Inputs, day: date | None, *, partial: bool) -> Due:
    if known.get(PROJECT) != inputs[PROJECT]:
        return Due(anew=not partial)
    manifest = settings.state_dir / "dbt" / "manifest.json"
    if partial or known.get(PLACE) != inputs[PLACE] or not manifest.exists():
        return Due()
    graph = read_graph(manifest)
    # A source that nobody here knows the version of may have changed.
    changed = {key for key in graph.sources if key not in inputs or inputs[key] != known.get(key)}
    if _clock_runs(settings):
        changed.add(CLOCK)
    if day is not None:
        changed |= _daily(graph, inputs)
    run = {
        key
        for key in graph.below(changed)
        # A view says what its SQL says: as long as the project is the same, it need not be made again.
        if key in graph.nodes and materialization(graph.nodes[key]) != "view"
    }
    left_out = sorted(node["name"] for key, node in graph.built() if key not in run)
    return Due(left_out, nothing=not any(key in run for key, _ in graph.built()))


def _daily(graph: DbtGraph, inputs: Inputs) -> set[str]:
    """The models that can take a day anew, but for those that there is no data for at all."""
    daily = (key for key, node in graph.nodes.items() if is_daily(node))
    return {key for key in daily if any(inputs.get(source) for source in graph.sources_of(key))}


def _clock_runs(settings: Settings) -> bool:
    with connect(settings) as connection:
        row = connection.execute(
            "SELECT as_of IS DISTINCT FROM date_trunc('day', as_of) FROM intermediate.int_as_of"
        ).fetchone()
    return row is None or bool(row[0])


def _known(settings: Settings) -> dict[str, str]:
    if not settings.warehouse_path.exists():
        return {}
    with connect(settings) as connection:
        try:
            return dict(connection.execute("SELECT input, version FROM build.built_from").fetchall())
        except duckdb.CatalogException:
            return {}  # built before anything was noted


def _note(settings: Settings, inputs: Inputs) -> None:
    if not settings.warehouse_path.exists():
        return
    with connect(settings, read_only=False) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS build")
        connection.execute("CREATE OR REPLACE TABLE build.built_from (input VARCHAR, version VARCHAR)")
        if inputs:
            connection.executemany("INSERT INTO build.built_from VALUES (?, ?)", sorted(inputs.items()))


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.iterdir() if path.is_dir()) if parent.exists() else []


def _folder(folder: Path) -> str:
    """Which data files there are; with size and time, in case one was rewritten under its name."""
    stats = ((path.relative_to(folder), path.stat()) for path in data_files(folder))
    said = "\0".join(f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}" for name, stat in stats)
    return _digest(said.encode()) if said else EMPTY


def _project(project: Path) -> str:
    said = hashlib.sha256()
    for package in ("dbt-core", "dbt-duckdb", "duckdb"):
        said.update(metadata.version(package).encode())
    for path in _project_files(project):
        said.update(str(path.relative_to(project)).encode() + path.read_bytes())
    return said.hexdigest()


def _project_files(project: Path) -> list[Path]:
    folders = (project / name for name in ("models", "macros", "tests"))
    found = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [*sorted(found), project / "dbt_project.yml", project / "profiles.yml"]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
