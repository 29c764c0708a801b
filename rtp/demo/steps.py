"""The demonstration's preparations: the very commands that a user would type."""

import subprocess
import sys

from rtp.errors import Fatal
from rtp.services.specs import child_environment
from rtp.settings import Settings
from rtp.terminal import progress_console

FAST_HOUSEHOLDS = 250


def is_loaded(settings: Settings) -> bool:
    """Whether `rtp load` has taken in order lines, of whichever retailer."""
    folder = settings.lake_dir / "feeds" / "order_lines"
    return any(not path.name.startswith(("_", ".")) for path in folder.glob("*.parquet"))


def load_command(*, fast: bool) -> list[str]:
    """The load of a demonstration that finds nothing loaded."""
    return ["load", "completejourney", *(["--households", str(FAST_HOUSEHOLDS)] if fast else [])]


def run_rtp(settings: Settings, arguments: list[str]) -> None:
    """Runs `rtp …` with its output on standard error, where progress goes; raises Fatal if it fails."""
    progress_console.rule(f"rtp {' '.join(arguments)}", align="left")
    command = [sys.executable, "-m", "rtp", *arguments]
    done = subprocess.run(command, env=child_environment(settings), stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise Fatal(f"`rtp {' '.join(arguments)}` failed.", hint="Its own message is above.")
