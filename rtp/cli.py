"""The `rtp` command: one sub-command per module function of rtp/commands."""

import importlib
import pkgutil
import sys

import typer
from rich.console import Console
from rich.markup import escape

from rtp import commands
from rtp.errors import RtpError

app = typer.Typer(
    name="rtp",
    help="Real-time personalization for omnichannel retailers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

for _module in pkgutil.iter_modules(commands.__path__):
    _register = getattr(importlib.import_module(f"{commands.__name__}.{_module.name}"), "register", None)
    if _register is not None:
        _register(app)


def main() -> None:
    """Runs a command; an error becomes one sentence and exit code 1, never a stack trace."""
    try:
        app()
    except RtpError as error:
        Console(stderr=True).print("[red]error:[/red]", escape(str(error)), soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
