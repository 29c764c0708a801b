"""What quality reads and remembers on disk: the feeds of the lake, and the accepted states as small JSON files."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from rtp.errors import Fatal
from rtp.quality.ports import FeedFiles
from rtp.quality.profile import Baseline
from rtp.stores.lake import Lake, appearing


class LakeFeeds(msgspec.Struct, frozen=True):
    """The feeds as `rtp load` left them; empty schema files do not count."""

    lake: Lake

    def files(self, table: str) -> FeedFiles:
        """All files of a table; none if it was never loaded."""
        return FeedFiles(files=_parquet(self.lake.feed(table)), quarantine=_parquet(self.lake.quarantine(table)))

    def set_aside(self, table: str, names: Iterable[str]) -> Path:
        """Takes files out of a feed, with what was refused of them; gives the folder where they are kept."""
        kept = self.lake.set_aside(table)
        kept.mkdir(parents=True, exist_ok=True)
        for name in names:
            # The quarantine goes first: only the presence of the feed file says that it was loaded.
            for source, suffix in (
                (self.lake.quarantine(table), ".refused.parquet"),
                (self.lake.feed(table), ".parquet"),
            ):
                if (source / name).exists():
                    (source / name).replace(kept / f"{Path(name).stem}{suffix}")
        return kept


class BaselineFolder(msgspec.Struct, frozen=True):
    """`<root>/<table>.json`: accepted; `<root>/passed/<table>.json`: passed, waits for the publish."""

    root: Path

    def accepted(self, table: str) -> Baseline | None:
        """The last accepted state of a feed; None before the first."""
        return _read(self._accepted(table))

    def passed(self, table: str) -> Baseline | None:
        """The last state that passed its checks and is not accepted yet."""
        return _read(self._passed(table))

    def put_passed(self, baseline: Baseline) -> None:
        """Remembers a state that passed."""
        _write(self._passed(baseline.table), baseline)

    def drop_passed(self, table: str) -> None:
        """Forgets it."""
        self._passed(table).unlink(missing_ok=True)

    def accept(self, baseline: Baseline) -> None:
        """Makes a state the accepted one."""
        _write(self._accepted(baseline.table), baseline)
        self.drop_passed(baseline.table)

    def _accepted(self, table: str) -> Path:
        return self.root / f"{table}.json"

    def _passed(self, table: str) -> Path:
        return self.root / "passed" / f"{table}.json"


def _parquet(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(path for path in folder.glob("*.parquet") if not path.name.startswith(("_", "."))))


def _read(path: Path) -> Baseline | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Baseline)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise Fatal(
            f"The accepted state of a feed cannot be read: {path}.", hint="Delete it: the next check starts afresh."
        ) from error


def _write(path: Path, baseline: Baseline) -> None:
    with appearing(path) as aside:
        aside.write_bytes(msgspec.json.format(msgspec.json.encode(baseline), indent=1))
