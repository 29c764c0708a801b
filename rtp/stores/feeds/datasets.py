"""What the lake remembers of a data set that moves its dates: by how much, and which files are its."""

import hashlib
from pathlib import Path

import msgspec

from rtp.errors import Fatal
from rtp.stores.lake import Lake, appearing


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """Fixed at the first load, so that every later load puts a day where it was put before."""

    name: str
    shift_days: int
    variant: str = ""
    """Which part of the data it is; another variant takes the place of this one."""
    digests: dict[str, str] = {}
    """Table to the digest of its file in the lake."""


def read_dataset(lake: Lake, name: str) -> Dataset | None:
    """What is remembered, or None before the first load."""
    path = _path(lake, name)
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Dataset)
    except msgspec.DecodeError as error:
        raise Fatal(f"{path} is damaged.", hint="Remove it and load again into an empty lake.") from error


def write_dataset(lake: Lake, dataset: Dataset) -> None:
    """Remembers, whole or not at all."""
    with appearing(_path(lake, dataset.name)) as aside:
        aside.write_bytes(msgspec.json.format(msgspec.json.encode(dataset)))


def folder_name(folder: Path) -> str:
    """The data set's name of a folder: the same for the same path."""
    path = str(folder.resolve())
    return f"{folder.resolve().name}-{hashlib.sha256(path.encode()).hexdigest()[:8]}"


def _path(lake: Lake, name: str) -> Path:
    return lake.root / "datasets" / f"{name}.json"
