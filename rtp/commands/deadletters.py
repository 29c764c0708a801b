"""`rtp deadletters`: rejected events, why they are, and putting them through again."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from rtp.commands.output import JsonFlag, console, print_json, run

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from rtp.identity.retrying import Mended
    from rtp.settings import Settings
    from rtp.signals.mending import Edit
    from rtp.signals.rejection import Rejection
    from rtp.stores.dead_letters import DeadLetters
    from rtp.worker.retrying import Retried

ReasonOption = Annotated[str | None, typer.Option("--reason", help="Only those of this reason.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(help="Events that were rejected: count, list, show, mend, put through again.")
    app.add_typer(group, name="deadletters", callback=count, invoke_without_command=True)
    group.command("list")(list_them)
    group.command("show")(show)
    group.command("export")(export)
    group.command("retry")(retry)


def count(context: typer.Context, *, as_json: JsonFlag = False) -> None:
    """Events that were rejected: count, list, show, mend, put through again. Alone it counts them by reason."""
    if context.invoked_subcommand is not None:
        return
    counts = run(_counts())
    if as_json:
        print_json({"count": sum(each["count"] for each in counts), "reasons": counts})
        return
    if not counts:
        console.print("No rejected event waits.")
        return
    from rich.table import Table

    table = Table("reason", "source", "events", "first", "last", title="Rejected events")
    for each in counts:
        table.add_row(each["reason"], each["source"], f"{each['count']:,}", each["firstAt"][:19], each["lastAt"][:19])
    console.print(table)


def list_them(
    *,
    reason: ReasonOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 50,
    as_json: JsonFlag = False,
) -> None:
    """List rejected events, newest first, without what was sent."""
    found = run(_list(reason, limit))
    if as_json:
        print_json({"deadletters": found})
        return
    for each in found:
        about = f"{each['source']} {each['type']} {each['sizeBytes']:,} bytes".replace("  ", " ")
        wrong = f"[bold]{each['reason']}[/bold] {escape(each['field'])}"
        line = f"{each['id']} [dim]{each['receivedAt'][:19]}[/dim] {wrong} [dim]{escape(about)}[/dim]"
        console.print(line, highlight=False, soft_wrap=True)
    if not found:
        console.print("No rejected event waits.")


def show(name: Annotated[str, typer.Argument(metavar="ID")], *, as_json: JsonFlag = False) -> None:
    """Show one rejected event with what was sent: personal data."""
    from rtp.signals.mending import line_of

    line = line_of(run(_find(name)))
    if as_json:
        print_json(line)
        return
    console.print(f"[bold]{line.reason}[/bold] {line.field}", highlight=False)
    console.print(line.message, highlight=False, markup=False)
    console.print(f"[dim]{line.id}, received {line.received_at} from {line.source}, {line.type}[/dim]", highlight=False)
    if isinstance(line.body, dict):
        console.print_json(data=line.body)
    else:
        console.print(line.body if line.body is not None else line.body_base64, markup=False, highlight=False)


def export(
    names: Ids = None,
    *,
    out: Annotated[Path, typer.Option("--out", help="The file to write: one event a line. Personal data.")],
    reason: ReasonOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Write rejected events into a file to be edited, for `retry --file`; readable by you alone (mode 0600)."""
    import msgspec

    from rtp.signals.mending import line_of

    found = run(_selected(names or [], reason))
    with open(out, "wb", opener=_private) as file:
        file.writelines(msgspec.json.encode(line_of(each.rejection)) + b"\n" for each in found)
    if as_json:
        print_json({"exported": len(found), "file": str(out)})
    else:
        console.print(f"{len(found)} rejected events are in {out}. Edit each `body`, then:")
        console.print(f"  rtp deadletters retry --file {out}")


def retry(
    names: Ids = None,
    *,
    reason: ReasonOption = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="Bodies as `export` wrote them and you edited them.")
    ] = None,
    edits: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="For example properties.order_id=A7.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Put rejected events through again: those named, those of a reason, or those of a file.

    They keep the time at which they happened and count once, however often this is done. What is still wrong stays
    listed; the exit code is then 1.
    """
    from rtp.errors import Rejected
    from rtp.signals.mending import parse_edit

    if not (names or reason or file or everything):
        raise Rejected("Which ones?", reason="NOTHING_CHOSEN", hint="Give ids, --reason, --file or --all.")
    body = file.read_bytes() if file else None
    result = run(_retry(names or [], reason, body, [parse_edit(each) for each in edits or ()]))
    if as_json:
        print_json(result)
    else:
        _tell(result)
    if result.refused:
        raise typer.Exit(1)


def _tell(result: "Retried") -> None:
    console.print(f"{result.put_through} put through, {result.counted_before} had counted before.")
    for each in result.refused:
        console.print(f"[red]{each.id}[/red] {each.reason} {each.field}: {each.message}", highlight=False)


def _private(path: str, flags: int) -> int:
    import os

    return os.open(path, flags, 0o600)


@asynccontextmanager
async def _opened() -> "AsyncIterator[tuple[Settings, Redis, DeadLetters]]":
    from rtp import wiring
    from rtp.settings import load_settings

    settings = load_settings()
    async with wiring.redis_opened(settings) as client:
        yield settings, client, wiring.dead_letters(settings, client)


async def _counts() -> list[dict[str, Any]]:
    async with _opened() as (_, _, letters):
        return [_readable(each, "firstAt", "lastAt") for each in await letters.counts()]


async def _list(reason: str | None, limit: int) -> list[dict[str, Any]]:
    async with _opened() as (_, _, letters):
        return [_readable(each, "receivedAt") for each in await letters.waiting(reason=reason, limit=limit)]


def _readable(each: Any, *times: str) -> dict[str, Any]:
    import msgspec

    from rtp.clock import from_micros

    shown: dict[str, Any] = msgspec.to_builtins(each)
    return shown | {name: from_micros(shown[name]).isoformat() for name in times}


async def _find(name: str) -> "Rejection":
    from rtp.worker.choosing import named

    async with _opened() as (_, _, letters):
        return (await named(letters, [name]))[0].rejection


async def _selected(names: Sequence[str], reason: str | None) -> "list[Mended]":
    from rtp.worker.choosing import chosen

    async with _opened() as (_, _, letters):
        return await chosen(letters, names, reason)


async def _retry(names: Sequence[str], reason: str | None, file: bytes | None, edits: "Sequence[Edit]") -> "Retried":
    from rtp.identity.retrying import Mended
    from rtp.signals.mending import edited
    from rtp.worker.assemble import open_retrier
    from rtp.worker.choosing import chosen, from_file

    async with _opened() as (settings, client, letters):
        found = await chosen(letters, names, reason) if file is None else await from_file(letters, file)
        mended = [Mended(each.rejection, edited(each.body, edits)) for each in found]
        return await open_retrier(settings, client).retry(mended)
