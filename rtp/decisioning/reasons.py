"""Why an action is offered, in words for the person who shows it."""

from rtp.decisioning.moment import Ranked, Signal


def reasons(ranked: Ranked) -> list[str]:
    """At least one sentence, the strongest first."""
    found: list[str] = []
    if ranked.signals & Signal.VIEWED:
        found.append("Looked at a moment ago.")
    if ranked.signals & Signal.CONTEXT:
        found.append("Often bought together with what is being looked at.")
    if ranked.own_baskets:
        times = "once" if ranked.own_baskets == 1 else f"{ranked.own_baskets} times"
        found.append(f"Bought {times} before{_due(ranked)}.")
    elif ranked.signals & Signal.COMPANION:
        found.append("Goes with what the customer buys.")
    elif ranked.signals & Signal.KINDRED:
        found.append("Customers who buy alike buy it.")
    if ranked.signals & Signal.STORE:
        found.append("Sells in this store.")
    if ranked.signals & Signal.POPULAR:
        found.append("Among the 100 best sellers.")
    return found or ["In the range."]


def _due(ranked: Ranked) -> str:
    if ranked.gap_days is None or ranked.days_since is None or ranked.gap_days < 1:
        return ""
    every = f", about every {ranked.gap_days:.0f} days"
    return f"{every}, and due again" if ranked.days_since >= ranked.gap_days else every
