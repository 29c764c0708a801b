"""`rtp trace`."""

from typing import Annotated, Any

import typer

from rtp.commands.output import JsonFlag, console, print_json


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command("trace")
    def trace(
        decision_id: Annotated[str, typer.Argument(metavar="DECISION_ID")],
        as_json: JsonFlag = False,
    ) -> None:
        """Explain a decision: what was shown, what was not and why, with which features and versions."""
        from urllib.parse import quote

        from rtp.commands.api import call_api

        record = call_api("GET", f"/v1/decisions/{quote(decision_id, safe='')}")
        if as_json:
            print_json(record)
        else:
            _show(record)


def _show(record: dict[str, Any]) -> None:
    from collections import Counter

    from rich.table import Table

    decision = record["decision"]
    table = Table(title=f"decision {decision['decisionId']}", show_header=False, title_justify="left")
    for name in ("customerId", "channel", "placement", "momentId", "fallback"):
        table.add_row(name, str(decision[name]))
    for name in ("policyVersion", "modelVersion", "catalogVersion", "candidates", "reasonForFallback", "triggerId"):
        if record.get(name) is not None:
            table.add_row(name, str(record[name]))
    table.add_section()
    for action in decision["actions"]:
        table.add_row(f"{action['position']}. {action['actionId']}", "; ".join(action["reasons"]))
    table.add_section()
    for reason, count in Counter(each["reason"] for each in record["rejected"]).most_common():
        table.add_row(f"rejected {reason}", f"{count} candidates")
    table.add_section()
    for name, value in record["features"].items():
        table.add_row(name, str(value))
    console.print(table)
