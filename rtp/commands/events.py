"""`rtp events`: one's own events, those of late and as they arrive."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.markup import escape

from rtp.commands.output import JsonFlag, console, progress_console, run

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from rtp.settings import Settings
    from rtp.signals.event import LogEntry
    from rtp.stores.event_view import EventView, Wanted

RECENT = "7d"
MOST_SINCE = 1_000


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The options."""

    follow: bool
    limit: int | None
    since: str | None
    kind: str | None
    customer: str | None
    show_identifiers: bool
    as_json: bool

    @property
    def count(self) -> int:
        """How many past events are shown."""
        return self.limit or (20 if self.since is None else MOST_SINCE)


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command("events")
    def events(
        *,
        follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on showing events as they arrive.")] = False,
        limit: Annotated[
            int | None, typer.Option(min=1, help="At most so many (default 20, with --since 1000, with --follow all).")
        ] = None,
        since: Annotated[
            str | None, typer.Option("--since", help="Received since 2026-11-01, 2026-11-01T08:00Z or 90m (ago).")
        ] = None,
        kind: Annotated[
            str | None, typer.Option("--type", help='Only this type, or name: page, "Order Completed".')
        ] = None,
        customer: Annotated[
            str | None, typer.Option("--customer", metavar="TYPE:VALUE", help="Only this shopper's, e.g. user_id:2375.")
        ] = None,
        show_identifiers: Annotated[
            bool, typer.Option("--show-identifiers", help="Show user ids, traits, all properties: personal data.")
        ] = False,
        json: JsonFlag = False,
    ) -> None:
        """Show the newest accepted events of the last 7 days; shoppers appear as tags, not by name."""
        asked = Asked(
            follow=follow, limit=limit, since=since, kind=kind, customer=customer, show_identifiers=show_identifiers,
            as_json=json,
        )  # fmt: skip
        run(_show(asked))


async def _show(asked: Asked) -> None:
    from rtp.signals.live_view import described

    shown = 0
    async for entry in _entries(asked):
        _print(described(entry, show_identifiers=asked.show_identifiers), as_json=asked.as_json)
        shown += 1
        if asked.limit is not None and shown >= asked.limit:
            return
    if not shown:
        progress_console.print(f"No such event since {asked.since or RECENT + ' ago'}. Try --since or --follow.")


async def _entries(asked: Asked) -> AsyncIterator["LogEntry"]:
    async with _opened(asked) as (view, wanted):
        # Followers see what is new; the past only if they ask for it.
        if asked.since is not None or not asked.follow:
            for entry in await view.recent(wanted, asked.count):
                yield entry
        if asked.follow:
            progress_console.print("Waiting for events …")
            async for entry in view.follow(wanted):
                yield entry


@asynccontextmanager
async def _opened(asked: Asked) -> "AsyncIterator[tuple[EventView, Wanted]]":
    from rtp import wiring
    from rtp.clock import system_clock, to_micros
    from rtp.commands.times import moment
    from rtp.settings import load_settings
    from rtp.stores.event_view import Wanted

    settings = load_settings()
    since = moment(asked.since or RECENT, now=to_micros(system_clock()))
    async with wiring.redis_opened(settings) as client:
        fragments = await _fragments(settings, client, asked.customer) if asked.customer else None
        yield wiring.event_view(settings, client), Wanted(since=since or 0, kind=asked.kind, fragments=fragments)


async def _fragments(settings: "Settings", client: "Redis", shopper: str) -> tuple[str, ...]:
    from rtp import wiring
    from rtp.errors import NotFound
    from rtp.identity.shopper import read_shopper

    graph = wiring.identity_graph(settings, client)
    named = read_shopper(shopper, wiring.identity_rules(settings).spelling)
    customer_id = named if isinstance(named, str) else await graph.resolve(named)
    customer = await graph.customer(customer_id) if customer_id else None
    if customer is None:
        raise NotFound("Nobody is known by this identifier.", reason="UNKNOWN_CUSTOMER", hint="Check its spelling.")
    return customer.fragments


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
    line = (
        f"[dim]{when}[/dim] {where:<12} {who:<12} [bold]{what}[/bold] [dim]{details}[/dim]{late(event['lateSeconds'])}"
    )
    console.print(line.rstrip(), highlight=False, soft_wrap=True)


def late(seconds: float) -> str:
    """How long after it happened an event came, where that is a minute or more."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return ""
    days, hours = minutes // 1440, minutes // 60
    return f" ({days} d late)" if days > 1 else f" ({hours} h late)" if hours else f" ({minutes} min late)"
