"""What assets are given besides the settings: the warehouse behind its lock."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource

from rtp.settings import Settings
from rtp.stores.warehouse import dbt_environment, prepare_warehouse, warehouse_lock


class Warehouse:
    """The DuckDB file: one opener at a time, whichever process it is in."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def dbt(self, arguments: Sequence[str], context: dg.AssetExecutionContext) -> Iterator[Any]:
        """Runs dbt under the lock and yields what it built and tested; raises where a model or test failed."""
        project = str(self._settings.root / "dbt_project")
        executable = str(Path(sys.executable).parent / "dbt")
        command = DbtCliResource(project_dir=project, profiles_dir=project, dbt_executable=executable)
        # One folder for all runs: what dbt parsed last time need not be parsed again.
        target = self._settings.state_dir / "dbt"
        prepare_warehouse(self._settings)
        with (
            warehouse_lock(self._settings, report=context.log.info),
            _environment(dbt_environment(self._settings)),
        ):
            yield from command.cli(arguments, context=context, target_path=target).stream()


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
