"""What every command shares: where it writes and the `--json` flag."""

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

import msgspec
import typer

from rtp.terminal import console, progress_console

__all__ = ["JsonFlag", "Shopper", "console", "print_json", "progress_console", "run"]

Shopper = Annotated[
    str, typer.Argument(metavar="TYPE:VALUE", help="For example user_id:2375 or email:ann@example.com.")
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

T = TypeVar("T")


def print_json(value: Any) -> None:
    """Prints any msgspec-encodable value as one JSON document on standard output."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end from a command."""
    return asyncio.run(work)
