"""A contract as a person reads it."""

from rtp.signals.feeds.column import Column, Kind
from rtp.signals.feeds.contracts import TableContract

_KINDS = {
    Kind.TEXT: "text",
    Kind.TIME: "time",
    Kind.DATE: "date",
    Kind.MONEY: "amount, 2 decimals",
    Kind.NUMBER: "number",
    Kind.QUANTITY: "quantity, 3 decimals",
    Kind.COUNT: "whole number",
    Kind.JSON: "JSON object",
}


def table_section(table: TableContract) -> str:
    """The Markdown section of one table."""
    needed = " (required)" if table.required else ""
    lines = [
        f"### {table.name}{needed}",
        "",
        f"{table.about}. One row per {', '.join(f'`{key}`' for key in table.keys)}.",
        "",
        "| column | type | |",
        "|---|---|---|",
        *(
            f"| `{column.name}`{' *' if column.required else ''} | {_kind(column)} | {column.about} |"
            for column in table.columns
        ),
        "",
    ]
    return "\n".join(lines)


def _kind(column: Column) -> str:
    if column.choices:
        return " / ".join(column.choices)
    lowest = f" ≥ {column.minimum:g}" if column.minimum is not None and column.maximum is None else ""
    span = f" {column.minimum:g} to {column.maximum:g}" if column.maximum is not None else ""
    return f"{_KINDS[column.kind]}{lowest}{span}"
