"""`rtp identity link`: records of any table that are one person; `rtp identity review`: what builds did not link."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rtp.commands.identity import identity
from rtp.commands.output import JsonFlag, console, print_json, progress_console

if TYPE_CHECKING:
    from rtp.identity.linkage.table import LinkedTable

Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="CSV or Parquet, with column names.")]
Said = Annotated[
    str,
    typer.Option(
        "--columns", help="What columns mean: first_name=given_name,birth_date=dob,… Those so named need none."
    ),
]
Out = Annotated[Path, typer.Option("--out", help="All rows with `customer_number`, as .parquet or .csv.")]
Pairs = Annotated[Path | None, typer.Option("--pairs", help="The linked and the held back pairs, as .parquet or .csv.")]
Precision = Annotated[float, typer.Option(min=0.5, max=0.9999, help="Of the linked pairs, the share to be one person.")]


def register(_app: typer.Typer) -> None:
    """Adds the commands to the group."""
    identity.command("link")(link)
    identity.command("review")(review)


def review(as_json: JsonFlag = False) -> None:
    """List the links between customers' records that builds held back, the likeliest first, and why."""
    from rich.table import Table

    from rtp import wiring
    from rtp.settings import load_settings
    from rtp.stores.linkage_lake import ReviewLink, read_rows

    held = sorted(read_rows(wiring.lake(load_settings()), ReviewLink), key=lambda each: -each.match_weight)
    if as_json:
        print_json({"heldBack": held})
        return
    table = Table("reason", "records", "match weight", "why", title=f"{len(held):,} links held back")
    for each in held:
        left, right = (":".join(end) for end in each.ends)
        table.add_row(each.reason.replace("_", " "), f"{left}\n{right}", f"{each.match_weight:.1f}", each.detail)
    console.print(table)


def link(
    files: Files, out: Out, said: Said = "", pairs: Pairs = None, precision: Precision = 0.99, as_json: JsonFlag = False
) -> None:
    """Find the records that are one person, in any table or across several, by what their columns mean."""
    from rtp.identity.linkage.meanings import columns_of
    from rtp.identity.linkage.table import link_table
    from rtp.stores.feeds.session import feed_session
    from rtp.stores.linkage_files import TABLE, read_people, write_pairs, write_people

    with feed_session() as connection, progress_console.status("linking"):
        columns = columns_of(read_people(connection, files), said)
        linked = link_table(connection, TABLE, columns, precision=precision)
        write_people(connection, linked, out)
        if pairs:
            write_pairs(connection, linked, pairs)
    summary = _summary(linked)
    print_json(summary) if as_json else _show(summary, out)


def _summary(linked: "LinkedTable") -> dict[str, Any]:
    linkage, model = linked.linkage, linked.model
    return {
        "records": len(linkage.party),
        "customers": len(set(linkage.clusters.labels.tolist())),
        "compared": linkage.compared,
        "links": len(linkage.links),
        "heldBack": dict(Counter(str(each.reason) for each in linkage.clusters.held)),
        "threshold": round(model.threshold, 2),
        "blockingRecall": model.recall.share,
        "model": model.version,
        "columns": [str(each) for each in model.meanings],
    }


def _show(summary: dict[str, Any], out: Path) -> None:
    recall = summary["blockingRecall"]
    console.print(f"{summary['records']:,} records are {summary['customers']:,} customers: {out}")
    console.print(
        f"{summary['compared']:,} pairs compared, {summary['links']:,} of them linked from a match weight of "
        f"{summary['threshold']} on; blocking lets {'an unknown share' if recall is None else f'{recall:.1%}'} through."
    )
    for reason, number in summary["heldBack"].items():
        console.print(f"{number:,} links held back: {reason.replace('_', ' ')}")
