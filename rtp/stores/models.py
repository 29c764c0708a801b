"""Versions of models and catalogues on disk, and the pointer to the one in use.

<root>/<kind>/<version>/...     written aside, then renamed: a version is whole or not there
<root>/<kind>/<live|current>    a file holding the version's name; one `os.replace` swaps it
<root>/<kind>/history           every version the pointer has named, oldest first
"""

import asyncio
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from rtp.decisioning.catalog import Catalog, arrays_of, from_arrays
from rtp.decisioning.score import Manifest, Ranker, refuse_other_features
from rtp.errors import NotFound, Rejected
from rtp.stores.lake import appearing


class Versions:
    """The versions of one kind of thing."""

    def __init__(self, folder: Path, pointer: str) -> None:
        self.folder = folder
        self._pointer = folder / pointer

    def current(self) -> str | None:
        """The version in use; None before the first."""
        try:
            return self._pointer.read_text().strip() or None
        except FileNotFoundError:
            return None

    def all(self) -> list[str]:
        """Every version on disk, oldest first."""
        if not self.folder.is_dir():
            return []
        found = [path for path in self.folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
        return [path.name for path in sorted(found, key=lambda path: (path.stat().st_mtime, path.name))]

    def use(self, version: str) -> None:
        """Points at a version; raises NotFound naming those there are."""
        self.check(version)
        if version == self.current():
            return
        history = [*self.history(), version]
        with appearing(self._history) as path:
            path.write_text("\n".join(history) + "\n")
        with appearing(self._pointer) as path:
            path.write_text(version + "\n")

    def check(self, version: str) -> None:
        """Raises NotFound naming the versions there are, if this is none of them."""
        if version not in self.all():
            raise NotFound(
                f"There is no version {version!r} in {self.folder.name}.",
                reason="UNKNOWN_VERSION", hint=f"There are: {', '.join(self.all()) or 'none'}.",
            )  # fmt: skip

    def history(self) -> list[str]:
        """Every version that was in use, oldest first; the last one is in use now."""
        return self._history.read_text().split() if self._history.exists() else []

    def previous(self) -> str | None:
        """The newest version on disk that was in use before the current one first was; going back twice goes on."""
        present, here = set(self.all()), self.current()
        order = list(dict.fromkeys(self.history()))
        before = order[: order.index(here)] if here in order else order
        return next((version for version in reversed(before) if version in present), None)

    def prune(self, keep: int) -> None:
        """Deletes all but the newest `keep` versions; the current and the one before it stay."""
        stay = {*self.all()[-keep:], self.current(), self.previous()}
        for version in self.all():
            if version not in stay:
                shutil.rmtree(self.folder / version)

    @contextmanager
    def writing(self, version: str) -> Iterator[Path]:
        """Yields a folder aside; on success it appears as the version, on an error not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = self.folder / f".{version}.{secrets.token_hex(4)}"
        aside.mkdir()
        try:
            yield aside
            if not (self.folder / version).exists():
                aside.replace(self.folder / version)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    @property
    def _history(self) -> Path:
        return self.folder / "history"


def rankers(models_dir: Path) -> Versions:
    """Versions of the ranker; the pointer `live` is what the API scores with."""
    return Versions(models_dir / "ranker", "live")


def catalogs(models_dir: Path) -> Versions:
    """Versions of the catalogue."""
    return Versions(models_dir / "catalog", "current")


def save_catalog(models_dir: Path, catalog: Catalog) -> None:
    """Writes a catalogue and puts it to use; the two before it stay for decisions under way."""
    versions = catalogs(models_dir)
    with versions.writing(catalog.version) as folder:
        for name, array in arrays_of(catalog).items():
            np.save(folder / f"{name}.npy", np.ascontiguousarray(array))
        (folder / "as_of").write_text(str(catalog.as_of))
    versions.use(catalog.version)
    versions.prune(3)


def load_catalog(folder: Path) -> Catalog:
    """Maps a catalogue into memory; it costs reading only what is used."""
    arrays: dict[str, Any] = {}
    for path in folder.glob("*.npy"):
        # Empty files cannot be mapped.
        mapped = np.load(path, mmap_mode="r") if path.stat().st_size > 256 else np.load(path)
        arrays[path.stem] = np.asarray(mapped)
    return from_arrays(folder.name, int((folder / "as_of").read_text()), arrays)


def save_ranker(models_dir: Path, booster: Any, manifest: Manifest) -> Path:
    """Writes a model in XGBoost's own format with its manifest; it is not in use until it is promoted."""
    versions = rankers(models_dir)
    with versions.writing(manifest.version) as folder:
        booster.save_model(folder / "model.ubj")
        (folder / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2))
    return versions.folder / manifest.version


def promote(models_dir: Path, version: str) -> Manifest:
    """Puts a model to use. Raises Rejected if it did not pass its gate, Fatal if this program cannot serve it."""
    versions = rankers(models_dir)
    versions.check(version)
    manifest = load_manifest(versions.folder / version)
    refuse_other_features(manifest)
    if not manifest.passes:
        raise Rejected(
            f"{version} did not pass its gate. {manifest.verdict}.", reason="GATE",
            hint="The model in use stays. See `rtp models list`, or train again with more data.",
        )  # fmt: skip
    versions.use(version)
    return manifest


def publish_ranker(models_dir: Path, booster: Any, manifest: Manifest, *, keep: int = 10) -> bool:
    """Keeps a trained model, and puts it to use if it passed its gate; returns whether it did."""
    save_ranker(models_dir, booster, manifest)
    if manifest.passes:
        promote(models_dir, manifest.version)
    rankers(models_dir).prune(keep)
    return manifest.passes


def rollback(models_dir: Path) -> str:
    """Goes back to the model that was in use before; returns its version. Raises Rejected if there is none."""
    versions = rankers(models_dir)
    earlier = versions.previous()
    if earlier is None:
        raise Rejected("No earlier model was in use.", reason="NO_EARLIER_MODEL", hint="See `rtp models list`.")
    versions.use(earlier)
    return earlier


def load_manifest(folder: Path) -> Manifest:
    """The manifest of a version."""
    return msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)


def load_ranker(folder: Path) -> Ranker:
    """A model for serving; raises Fatal if it was trained on other features."""
    import xgboost

    manifest = load_manifest(folder)
    refuse_other_features(manifest)
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(folder / "model.ubj")
    return Ranker(booster, manifest)


class ModelFolder:
    """Knowledge from disk. `refresh` looks at the pointers and loads what they name; `watch` does so for ever."""

    def __init__(self, models_dir: Path, *, on_error: Callable[[str, Exception], None]) -> None:
        """`on_error` is told what could not be loaded; the version in use stays."""
        self._rankers, self._catalogs = rankers(models_dir), catalogs(models_dir)
        self._on_error = on_error
        self._refused: set[str] = set()
        self._catalog: Catalog | None = None
        self._ranker: Ranker | None = None

    @property
    def catalog(self) -> Catalog | None:
        """The catalogue in use."""
        return self._catalog

    @property
    def ranker(self) -> Ranker | None:
        """The model in use."""
        return self._ranker

    def refresh(self) -> bool:
        """Loads what the pointers name now; True if anything changed. Blocks: run it in a thread."""
        catalog = self._loaded(self._catalogs, self._catalog, load_catalog)
        ranker = self._loaded(self._rankers, self._ranker, load_ranker)
        changed = catalog is not self._catalog or ranker is not self._ranker
        self._catalog, self._ranker = catalog, ranker
        return changed

    async def watch(self, *, every_seconds: float = 2.0) -> None:
        """Refreshes for ever; run it as a task beside whatever decides."""
        while True:
            await asyncio.to_thread(self.refresh)
            await asyncio.sleep(every_seconds)

    def _loaded(self, versions: Versions, present: Any, load: Callable[[Path], Any]) -> Any:
        wanted = versions.current()
        if wanted is None or wanted in self._refused or (present is not None and present.version == wanted):
            return present
        try:
            return load(versions.folder / wanted)
        # Whatever is wrong with a new version, the old one goes on serving.
        except Exception as error:  # noqa: BLE001
            self._refused.add(wanted)
            self._on_error(f"{versions.folder.name} {wanted}", error)
            return present
