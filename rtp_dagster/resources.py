"""What assets are given besides the settings: the warehouse behind its lock."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from graphlib import TopologicalSorter
from importlib import metadata
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource
from packaging.version import Version

from rtp.settings import Settings
from rtp.stores.warehouse import dbt_environment, prepare_warehouse, warehouse_lock
from rtp.stores.warehouse_build import BUILD
from rtp.stores.warehouse_changes import due


class _Dbt(DbtCliResource):
    """dbt without two things that cost seconds a build and serve nothing here."""

    @cached_property
    def _cli_version(self) -> Version:
        # The original starts `dbt --version`, which asks the package index for newer ones.
        return Version(metadata.version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> None:  # noqa: ARG002
        # A second dbt in this process, for queries after the build; it would open the file beside the first.
        return None


class Warehouse:
    """The DuckDB file: one opener at a time, whichever process it is in."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def build(self, day: date | None, context: dg.AssetExecutionContext) -> Iterator[Any]:
        """Runs dbt under the lock and yields what it built and tested; raises where a model or test failed.

        Takes in what is new in the lake, and `day` (UTC) anew besides, as `build_warehouse` does: what no change
        reaches is left out, and reported as it is. Who selects models gets these, changed or not.
        """
        project = str(self._settings.root / "dbt_project")
        executable = str(Path(sys.executable).parent / "dbt")
        command = _Dbt(project_dir=project, profiles_dir=project, dbt_executable=executable)
        # One folder for all runs: what dbt parsed last time need not be parsed again.
        target = self._settings.state_dir / "dbt"
        prepare_warehouse(self._settings)
        with (
            warehouse_lock(self._settings, report=context.log.info),
            _environment(dbt_environment(self._settings, day)),
            due(self._settings, day=day, partial=context.is_subset) as left,
        ):
            reads, out = context.assets_def.asset_deps, _left_out(context, set(left.left_out))
            if not left.nothing:
                command_run = command.cli([*BUILD, *left.arguments], context=context, target_path=target)
                for event in command_run.stream():
                    if isinstance(event, dg.Output):
                        built = context.assets_def.keys_by_output_name[event.output_name]
                        yield from map(_unchanged, _read_by(built, reads, out))
                    yield event
            yield from map(_unchanged, out)


def _unchanged(key: dg.AssetKey) -> dg.MaterializeResult[None]:
    """What reads a model that was left out goes on: it stands for the present lake as it is."""
    return dg.MaterializeResult(asset_key=key, metadata={"unchanged": True})


def _left_out(context: dg.AssetExecutionContext, names: AbstractSet[str]) -> list[dg.AssetKey]:
    """The models left out, those that are read before those that read them."""
    reads = {key: sorted(each) for key, each in sorted(context.assets_def.asset_deps.items())}
    order = TopologicalSorter(reads).static_order()
    return [key for key in order if key in context.selected_asset_keys and key.path[-1] in names]


def _read_by(
    built: dg.AssetKey, reads: Mapping[dg.AssetKey, Iterable[dg.AssetKey]], out: list[dg.AssetKey]
) -> list[dg.AssetKey]:
    """Takes from `out` what a model reads, however indirectly: Dagster wants to hear of it before."""
    found, waiting = set[dg.AssetKey](), [built]
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += reads.get(key, ())
    now = [key for key in out if key in found]
    out[:] = [key for key in out if key not in found]
    return now


@contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    """dagster-dbt hands the process's environment on to dbt and takes no other."""
    before = {name: os.environ.get(name) for name in more}
    os.environ.update(more)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
