"""`rtp serve`."""

import typer

from rtp.commands.output import run


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command("serve")
    def serve() -> None:
        """Run the HTTP API in the foreground (`rtp up` does it for you)."""
        import logging
        import os

        # One request scores some hundred rows: more threads than one only wait for each other.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        from rtp.serving.server import serve as serve_api
        from rtp.settings import load_settings

        settings = load_settings()
        logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
        run(serve_api(settings))
