"""`rtp profile`."""

from typing import Any

import typer

from rtp.commands.output import JsonFlag, Shopper, console, print_json


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command("profile")
    def profile(
        shopper: Shopper,
        as_json: JsonFlag = False,
    ) -> None:
        """Show one shopper by any identifier: features, identifiers, consent."""
        from rtp.commands.api import call_api, in_path

        found = call_api("GET", f"/v1/profiles/{in_path(shopper)}")
        if as_json:
            print_json(found)
        else:
            _show(found)


def _show(profile: dict[str, Any]) -> None:
    from rich.table import Table

    from rtp.features.live import AS_OF
    from rtp.features.types import FeatureType
    from rtp.features.views import CUSTOMER_LIVE, CUSTOMER_PROFILE

    types = {view.name: view.types for view in (CUSTOMER_PROFILE, CUSTOMER_LIVE)}
    table = Table(title=f"customer {profile['customerId']}", show_header=False, title_justify="left")
    for kind, values in profile["identifiers"].items():
        table.add_row(kind, ", ".join(values))
    for grant in profile["consent"]:
        table.add_row(f"consent {grant['purpose']}/{grant['channel']}", f"{grant['status']} ({grant['source']})")
    for view, features in profile["features"].items():
        known = {name: value for name, value in features.items() if value is not None}
        if known:
            table.add_section()
            table.add_row(f"[bold]{view}[/bold]", "")
        for name, value in known.items():
            table.add_row(name, readable(value, is_time=name == AS_OF or types[view].get(name) is FeatureType.TIME))
    console.print(table)


def readable(value: Any, *, is_time: bool) -> str:
    """A feature's value for people: times to the second in UTC, figures to three places."""
    from rtp.clock import from_micros

    if is_time and isinstance(value, int):
        return from_micros(value).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, float):
        return f"{value:.3f}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
