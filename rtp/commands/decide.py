"""`rtp decide`."""

from typing import Annotated, Any

import typer

from rtp.commands.output import JsonFlag, Shopper, console, print_json

FIELDS = {
    "user_id": "userId",
    "email": "email",
    "phone": "phone",
    "loyalty_id": "loyaltyId",
    "anonymous_id": "anonymousId",
    "customer_id": "customerId",
}


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command("decide")
    def decide(
        shopper: Shopper,
        channel: Annotated[str, typer.Option(help="web, app, email, push, sms, ads or store.")] = "web",
        placement: Annotated[str, typer.Option(help="The place on the page or in the message.")] = "default",
        store: Annotated[str | None, typer.Option(help="The store that the shopper is in.")] = None,
        product: Annotated[str | None, typer.Option(help="The product that the shopper looks at.")] = None,
        limit: Annotated[int, typer.Option(help="How many actions.")] = 3,
        explain: Annotated[bool, typer.Option("--explain", help="List every rejected candidate.")] = False,
        as_json: JsonFlag = False,
    ) -> None:
        """Ask for the next best actions of a shopper, as a channel does."""
        from rtp.commands.api import call_api

        context = {name: value for name, value in (("storeId", store), ("productId", product)) if value}
        decision = call_api(
            "POST",
            "/v1/decide",
            body={
                "customer": _customer(shopper),
                "channel": channel,
                "placement": placement,
                "context": context,
                "limit": limit,
                "explain": explain,
            },
        )
        if as_json:
            print_json(decision)
        else:
            _show(decision)


def _customer(shopper: str) -> dict[str, str]:
    from rtp.errors import Rejected
    from rtp.yaml_config import did_you_mean

    kind, _, value = shopper.partition(":")
    if kind not in FIELDS or not value:
        hint = f"{did_you_mean(kind, FIELDS)} For example user_id:2375."
        raise Rejected("A shopper is named as type:value.", reason="BAD_IDENTIFIER", hint=hint)
    return {FIELDS[kind]: value}


def _show(decision: dict[str, Any]) -> None:
    from rich.table import Table

    who = decision["customerId"] or "nobody known"
    fallback = ", fallback" if decision["fallback"] else ""
    title = f"decision {decision['decisionId']} for {who} in {decision['channel']}{fallback}"
    table = Table("", "action", "score", "value", "fulfilment", "reasons", title=title, title_justify="left")
    for action in decision["actions"]:
        way = action.get("fulfilment")
        table.add_row(
            str(action["position"]),
            action["actionId"],
            f"{action['score']:.4f}",
            f"{action['expectedValue']:.2f}",
            f"{way['method']} {way['storeId']} ({way['available']} left)" if way else "",
            "; ".join(action["reasons"]),
        )
    console.print(table)
    for rejected in decision["rejected"]:
        console.print(f"  not {rejected['actionId']}: {rejected['reason']}")
