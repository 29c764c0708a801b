"""What the definitions are made from: settings, owners, the dbt manifest, the days there are."""

from datetime import date
from typing import Any

import dagster as dg
import msgspec

from rtp.settings import Settings
from rtp.stores.sources import Sources, read_sources
from rtp_dagster.days import day_partitions
from rtp_dagster.translation import Translator, manifest_of


class Project(msgspec.Struct, frozen=True):
    """Read once, when the definitions load."""

    settings: Settings
    sources: Sources
    manifest: dict[str, Any]
    days: dg.DailyPartitionsDefinition

    @property
    def translator(self) -> Translator:
        """How dbt's names become Dagster's."""
        return Translator(self.sources, self.days)


def read_project(settings: Settings, today: date) -> Project:
    """Reads the configuration and the dbt manifest; raises Fatal where one cannot be read."""
    return Project(settings, read_sources(settings.config_dir), manifest_of(settings), day_partitions(settings, today))
