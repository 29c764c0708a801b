"""What quality needs from outside: where files lie, and what was accepted before."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import msgspec

from rtp.quality.profile import Baseline


class FeedFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one feed table: accepted rows, and refused ones under the same names."""

    files: tuple[Path, ...] = ()
    quarantine: tuple[Path, ...] = ()


class Feeds(Protocol):
    """The loaded feeds."""

    def files(self, table: str) -> FeedFiles:
        """All files of a table; none if it was never loaded."""
        ...

    def set_aside(self, table: str, names: Iterable[str]) -> Path:
        """Takes files out of a feed, with what was refused of them; gives the folder where they are kept."""
        ...


class Baselines(Protocol):
    """What was accepted of each feed, and what passed its checks and waits to be accepted."""

    def accepted(self, table: str) -> Baseline | None:
        """The last accepted state of a feed; None before the first."""
        ...

    def passed(self, table: str) -> Baseline | None:
        """The last state that passed its checks and is not accepted yet; None if there is none."""
        ...

    def put_passed(self, baseline: Baseline) -> None:
        """Remembers a state that passed."""
        ...

    def drop_passed(self, table: str) -> None:
        """Forgets it: a later check failed."""
        ...

    def accept(self, baseline: Baseline) -> None:
        """Makes a state the accepted one. All or nothing, also if the machine stops."""
        ...


class Published(Protocol):
    """The marts that are being served."""

    def mart(self, name: str) -> Path:
        """Where the published Parquet file of a mart is, if there is one."""
        ...
