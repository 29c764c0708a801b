"""Dagster's own state: a folder of ours with the instance configuration of this checkout."""

from pathlib import Path

from rtp.settings import Settings
from rtp.stores.lake import appearing


def dagster_home(settings: Settings) -> Path:
    """The DAGSTER_HOME of this state directory, made at first use and given the checkout's `deploy/dagster.yaml`."""
    home = settings.state_dir / "dagster"
    wanted = (settings.root / "deploy" / "dagster.yaml").read_bytes()
    config = home / "dagster.yaml"
    if not config.exists() or config.read_bytes() != wanted:
        with appearing(config) as aside:
            aside.write_bytes(wanted)
    return home
