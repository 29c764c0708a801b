"""The dbt project as Dagster sees it: its manifest, and what each model is called."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings

from rtp.errors import Fatal
from rtp.settings import Settings
from rtp.stores.dbt_graph import is_daily
from rtp.stores.sources import Sources
from rtp.stores.warehouse import dbt_environment
from rtp_dagster.naming import dbt_key, feed_key, freshness, lake_key

_PARSED = (".sql", ".yml", ".yaml")


def manifest_of(settings: Settings) -> dict[str, Any]:
    """The project's manifest, parsed anew if a model has changed since; raises Fatal with what dbt says."""
    project = settings.root / "dbt_project"
    target = settings.state_dir / "dbt"
    target.mkdir(parents=True, exist_ok=True)
    path = target / "manifest.json"
    with (target / "parse.lock").open("w") as lock:
        # Webserver, daemon and runs load the definitions at the same moment: one of them parses.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists() or path.stat().st_mtime < _changed_at(project):
            _parse(project, target, settings)
    manifest: dict[str, Any] = json.loads(path.read_bytes())
    return manifest


def _changed_at(project: Path) -> float:
    folders = (project / name for name in ("models", "macros", "tests"))
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in _PARSED]
    return max(path.stat().st_mtime for path in [*files, project / "dbt_project.yml", project / "profiles.yml"])


def _parse(project: Path, target: Path, settings: Settings) -> None:
    dbt = str(Path(sys.executable).parent / "dbt")
    places = ["--project-dir", str(project), "--profiles-dir", str(project), "--target-path", str(target)]
    answer = subprocess.run(
        [dbt, "parse", "--quiet", *places, "--log-path", str(target)],
        env=os.environ | dbt_environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise Fatal(f"dbt cannot read the project: {answer.stdout.strip()[-800:]}", hint="`make check` parses it too.")


class Translator(DagsterDbtTranslator):
    """Sources are the lake's assets, models `dbt/<model>`, groups the stages."""

    def __init__(self, sources: Sources, days: dg.PartitionsDefinition[str]) -> None:
        # One asset stands for both files of lake/identity.
        super().__init__(DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))
        self._sources = sources
        self._days = days

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """`lake/<table>` for sources (all of identity is one), `dbt/<model>` for the rest."""
        if dbt_resource_props["resource_type"] != "source":
            return dbt_key(dbt_resource_props["name"])
        source, name = dbt_resource_props["source_name"], dbt_resource_props["name"]
        return feed_key(name) if source == "feeds" else lake_key("identity" if source == "identity" else name)

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The stage, from the folder's `meta: {dagster: {group: …}}`."""
        return stage_of(dbt_resource_props)

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """What the model's YAML says, without the SQL."""
        return str(dbt_resource_props.get("description", ""))

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str] | None:
        """The stage's owner."""
        owner = self._sources.owner(stage_of(dbt_resource_props))
        return [owner] if owner else None

    def get_partitions_def(self, dbt_resource_props: Mapping[str, Any]) -> dg.PartitionsDefinition[str] | None:
        """Models that grow day by day have a partition a day."""
        return self._days if is_daily(dbt_resource_props) else None

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
        """Adds the stage's freshness policy."""
        base = super().get_asset_spec(manifest, unique_id, project)
        props = self.get_resource_props(manifest, unique_id)
        policy = freshness(self._sources, stage_of(props))
        return base.replace_attributes(freshness_policy=policy) if policy else base


def stage_of(props: Mapping[str, Any]) -> str:
    """The stage that a model belongs to; raw material belongs to signals."""
    meta = props.get("config", {}).get("meta", {}) or props.get("meta", {})
    return str(meta.get("dagster", {}).get("group", "signals"))


def marts_of(manifest: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The models of schema `marts`, by name: what is published."""
    models = (node for node in manifest["nodes"].values() if node["resource_type"] == "model")
    return {node["name"]: node for node in models if node["schema"] == "marts"}


def daily_keys(manifest: Mapping[str, Any]) -> list[dg.AssetKey]:
    """The models that have a partition a day."""
    return sorted(dbt_key(node["name"]) for node in manifest["nodes"].values() if is_daily(node))
