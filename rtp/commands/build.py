"""`rtp build`: a full or one-day refresh, run by Dagster."""

import subprocess
import sys
from typing import Annotated

import typer

from rtp.commands.output import JsonFlag
from rtp.settings import Settings, load_settings


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command("build")
    def build(
        day: Annotated[str, typer.Option("--day", help="Only this day (YYYY-MM-DD, UTC), anew.")] = "",
        json: JsonFlag = False,
    ) -> None:
        """Build everything that is new: warehouse, checks, published data, online store, first model.

        Exits 1 if a step or blocking check failed; what was served before is then still served.
        """
        from rtp.services.embedded import redis_available

        settings = load_settings()
        with redis_available(settings):
            code = run_orchestrator(settings, ["build", *(["--day", day] if day else [])], json=json)
        raise typer.Exit(code)


def run_orchestrator(settings: Settings, arguments: list[str], *, json: bool = False) -> int:
    """Runs `python -m rtp_dagster` as a process, its progress on our stderr; gives its exit code."""
    from rtp.services.specs import child_environment, yielding

    command = yielding([sys.executable, "-m", "rtp_dagster", *(["--json"] if json else []), *arguments])
    return subprocess.run(command, env=child_environment(settings), cwd=settings.root, check=False).returncode
