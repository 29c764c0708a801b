"""`rtp identity show` and `rtp identity undo`: who is who and why, and taking a merge back."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from rtp.commands.identity import identity
from rtp.commands.output import JsonFlag, Shopper, console, print_json


def register(app: typer.Typer) -> None:  # noqa: ARG001 - the group is added by rtp.commands.identity
    """Adds the commands to the group."""
    identity.command("show")(show)
    identity.command("unmerge")(unmerge)


def show(
    shopper: Shopper,
    *,
    as_json: JsonFlag = False,
) -> None:
    """Show who a shopper is: identifiers, fragments and merges, each with its evidence."""
    from rtp.commands.api import call_api, in_path

    found = call_api("GET", f"/v1/identity/{in_path(shopper)}")
    if as_json:
        print_json(found)
    else:
        _show(found)


def unmerge(
    merge_id: Annotated[str, typer.Argument(metavar="MERGE_ID", help="As `rtp identity show` lists it.")],
    *,
    as_json: JsonFlag = False,
) -> None:
    """Undo a merge: both customers get back what was theirs, and are not merged again."""
    from rtp.commands.api import call_api

    merge = call_api("POST", f"/v1/identity/merges/{quote(merge_id, safe='')}/undo")
    if as_json:
        print_json(merge)
    else:
        console.print(f"{merge['loser']} and {merge['survivor']} are two customers again.")


def _show(found: dict[str, Any]) -> None:
    from rich.table import Table

    what = "shared device" if found["sharedDevice"] else "customer"
    table = Table("", "", "why", title=f"{what} {found['customerId']}", title_justify="left")
    for column in table.columns:
        column.overflow = "fold"  # an id that is cut off cannot be copied
    for each in found["identifiers"]:
        table.add_row(each["type"], each["value"], _why(each["evidence"]))
    table.add_section()
    for each in found["fragments"]:
        table.add_row("fragment", each["fragment"], _why(each["evidence"]))
    table.add_section()
    for each in found["merges"]:
        table.add_row("merge", f"{each['mergeId']}\n{each['loser']} into {each['survivor']}", _why(each["evidence"]))
        if each["undone"]:
            table.add_row("undone", each["mergeId"], _why(each["undone"]))
    console.print(table)


def _why(evidence: dict[str, Any]) -> str:
    seen = f", with {evidence['via']}" if evidence["via"] else ""
    return f"{evidence['rule']} {evidence['source']}{seen}\n{evidence['at'][:19]}"
