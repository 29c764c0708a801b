"""`rtp events`: one's own events as they arrive."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.markup import escape

from rtp.commands.output import JsonFlag, console, progress_console, run

if TYPE_CHECKING:
    from rtp.signals.event import LogEntry


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command("events")
    def events(
        *,
        follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on showing events as they arrive.")] = False,
        limit: Annotated[
            int | None, typer.Option(min=1, help="Stop after so many events (default 20 without --follow).")
        ] = None,
        show_identifiers: Annotated[
            bool, typer.Option("--show-identifiers", help="Show user ids, traits, all properties: personal data.")
        ] = False,
        json: JsonFlag = False,
    ) -> None:
        """Show the newest accepted events; shoppers appear as tags, not by name."""
        run(_show(follow=follow, limit=limit, show_identifiers=show_identifiers, as_json=json))


async def _show(*, follow: bool, limit: int | None, show_identifiers: bool, as_json: bool) -> None:
    from rtp.signals.live_view import described

    shown = 0
    async for entry in _entries(follow=follow, count=limit or 20):
        _print(described(entry, show_identifiers=show_identifiers), as_json=as_json)
        shown += 1
        if limit is not None and shown >= limit:
            return
    if not shown:
        progress_console.print("No event waits in the log; what came before lies in the archive. Try --follow.")


async def _entries(*, follow: bool, count: int) -> AsyncIterator["LogEntry"]:
    from rtp import wiring
    from rtp.settings import load_settings
    from rtp.signals import live_view

    settings = load_settings()
    client = wiring.redis_client(settings)
    try:
        log = wiring.event_log(settings, client)
        entries = await live_view.newest(log, count)
        if not follow:
            for entry in entries:
                yield entry
            return
        newest = {each: await log.newest(each, count=1) for each in range(log.partitions)}
        after = {partition: found[0].position for partition, found in newest.items() if found}
        if not entries:
            progress_console.print("Waiting for events …")
        async for entry in live_view.follow(log, after):
            yield entry
    finally:
        await client.aclose()


def _print(event: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        # One document a line, so that a pipe can be read while events go on.
        typer.echo(msgspec.json.encode(event))
        return
    where = " ".join(filter(None, (event["channel"], event["storeId"])))
    what = event["name"] or event["type"]
    details = " ".join(f"{name}={value}" for name, value in event["properties"].items())
    who = event.get("userId") or event.get("anonymousId") or event["shopper"]
    when, where, who, what, details = map(escape, (event["receivedAt"][11:23], where, who, what, details))
    line = f"[dim]{when}[/dim] {where:<12} {who:<12} [bold]{what}[/bold] [dim]{details}[/dim]"
    console.print(line, highlight=False, soft_wrap=True)
