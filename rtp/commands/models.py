"""`rtp models`: which rankers there are, which one serves, and going forward and back."""

from typing import Any

import typer

from rtp.commands.output import JsonFlag, console, print_json


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    models = typer.Typer(no_args_is_help=True, help="The rankers: list, promote, roll back.")
    app.add_typer(models, name="models")
    models.command("list")(list_models)
    models.command("promote")(promote_model)
    models.command("rollback")(rollback_model)


def list_models(*, as_json: JsonFlag = False) -> None:
    """Show every ranker with its figures on customers it did not learn from."""
    from rich.table import Table

    rows = _rows()
    if as_json:
        print_json({"models": rows})
        return
    if not rows:
        console.print("No ranker has been trained yet. Train one with `rtp build`.")
        return
    table = Table("version", "in use", "Recall@10", "own frequency", "NDCG@10", "gate", title="Rankers")
    for row in rows:
        table.add_row(
            row["version"], "●" if row["live"] else "", f"{row['recall@10']:.3f}", f"{row['own_frequency']:.3f}",
            f"{row['ndcg@10']:.3f}", "passed" if row["passes"] else "refused",
        )  # fmt: skip
    console.print(table)


def promote_model(version: str, *, as_json: JsonFlag = False) -> None:
    """Let a ranker serve; the API takes it within seconds. One that did not pass its gate is refused."""
    from rtp.settings import load_settings
    from rtp.stores.models import promote

    manifest = promote(load_settings().models_dir, version)
    _say(as_json, manifest.version, f"{manifest.version} serves now. {manifest.verdict}.")


def rollback_model(*, as_json: JsonFlag = False) -> None:
    """Go back to the ranker that served before."""
    from rtp.settings import load_settings
    from rtp.stores.models import rollback

    version = rollback(load_settings().models_dir)
    _say(as_json, version, f"{version} serves again.")


def _say(as_json: bool, version: str, words: str) -> None:
    if as_json:
        print_json({"live": version})
    else:
        console.print(words)


def _rows() -> list[dict[str, Any]]:
    from rtp.settings import load_settings
    from rtp.stores.models import load_manifest, rankers

    versions = rankers(load_settings().models_dir)
    manifests = [load_manifest(versions.folder / version) for version in versions.all()]
    return [
        {
            "version": manifest.version,
            "live": manifest.version == versions.current(),
            "passes": manifest.passes,
            "recall@10": manifest.metrics.get("recall@10", 0.0),
            "ndcg@10": manifest.metrics.get("ndcg@10", 0.0),
            "own_frequency": manifest.baseline.get("own_frequency:recall@10", 0.0),
            "window": manifest.window,
            "trained_at": manifest.trained_at,
        }
        for manifest in manifests
    ]
