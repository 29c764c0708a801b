"""Versions of the linkage model on disk; the pointer `live` is the one that builds link with."""

from pathlib import Path

import msgspec

from rtp.identity.linkage.model import LinkageModel
from rtp.stores.models import Versions

KEPT = 5


def linkages(models_dir: Path) -> Versions:
    """Versions of the linkage model."""
    return Versions(models_dir / "linkage", "live")


def live_linkage(models_dir: Path) -> LinkageModel | None:
    """The model in use; None before the first, and where what is there was written by another release."""
    versions = linkages(models_dir)
    version = versions.current()
    if version is None:
        return None
    try:
        return msgspec.json.decode((versions.folder / version / "model.json").read_bytes(), type=LinkageModel)
    except (FileNotFoundError, msgspec.ValidationError):
        return None


def keep_linkage(models_dir: Path, model: LinkageModel) -> None:
    """Writes a model and puts it to use."""
    versions = linkages(models_dir)
    with versions.writing(model.version) as folder:
        (folder / "model.json").write_bytes(msgspec.json.encode(model))
    versions.use(model.version)
    versions.prune(KEPT)
