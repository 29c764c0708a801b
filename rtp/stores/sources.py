"""`config/sources.yaml`: who owns each stage and feed, and how fresh it has to be."""

from datetime import timedelta
from pathlib import Path

import msgspec

from rtp.yaml_config import read_config


class Responsibility(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who answers for something, and when it counts as late; empty where the stage speaks for it."""

    owner: str = ""
    """An e-mail address, or "team:<name>"."""
    fresh_within_hours: int = 0


class Sources(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    stages: dict[str, Responsibility] = {}
    feeds: dict[str, Responsibility] = {}

    def owner(self, stage: str, feed: str = "") -> str:
        """The owner of a feed, else of its stage, else ""."""
        return self._feed(feed).owner or self._stage(stage).owner

    def fresh_within(self, stage: str, feed: str = "") -> timedelta | None:
        """How old it may become, or None where nobody said."""
        hours = self._feed(feed).fresh_within_hours or self._stage(stage).fresh_within_hours
        return timedelta(hours=hours) if hours else None

    def _stage(self, stage: str) -> Responsibility:
        return self.stages.get(stage, Responsibility())

    def _feed(self, feed: str) -> Responsibility:
        return self.feeds.get(feed, Responsibility())


def read_sources(config_dir: Path) -> Sources:
    """The file as values, empty where there is none; raises Fatal with file and line for what cannot be read."""
    path = config_dir / "sources.yaml"
    return read_config(path, Sources) if path.exists() else Sources()
