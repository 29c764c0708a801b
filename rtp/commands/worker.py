"""`rtp worker`."""

import typer


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command("worker")
    def worker() -> None:
        """Fold events into profiles and carry out what they cause, until stopped. Any number may run."""
        import asyncio
        import logging

        from rtp.settings import load_settings
        from rtp.worker.main import run_worker

        settings = load_settings()
        logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
        asyncio.run(run_worker(settings))
