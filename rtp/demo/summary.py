"""What the demonstration ends with: figures, and whether each promise held."""

from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table

from rtp.signals.log import Accounting
from rtp.simulation.recorder import Latency

GOALS_MS = {"lookup": 10.0, "decision": 30.0, "event_to_feature": 1000.0, "event_to_delivered": 1000.0}
"""What the figures stand beside; told, not enforced: a busy machine is no broken promise."""


class ModelFigures(msgspec.Struct, frozen=True, rename="camel"):
    """The live model beside what it has to beat, on the same held-out baskets."""

    version: str
    metric: str
    value: float
    baseline: float


class Held(msgspec.Struct, frozen=True):
    """One promise and whether it held in this run."""

    promise: str
    held: bool
    detail: str


class DemoSummary(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Everything the demonstration measured. Shoppers, contacts, consent, cost and stock are simulated."""

    simulated: bool = True
    source: str
    rows: dict[str, int]
    events: Accounting
    sent: int
    counts: dict[str, int]
    latencies: dict[str, Latency | None]
    broken_promises: list[str]
    delivered: int
    refused_signatures: int
    model: ModelFigures | None
    addresses: dict[str, str]
    seconds: float

    @property
    def promises(self) -> list[Held]:
        """What must be true of every run."""
        events, counts = self.events, self.counts
        promised = counts.get("promises", 0)
        missed = counts.get("missed_probes", 0)
        return [
            Held(
                "every event accepted is applied, once",
                events.pending == 0 and events.applied >= self.sent > 0 and events.rejected == 0,
                f"{self.sent} accepted, {events.applied} applied, {events.duplicates} repeats ignored, "
                f"{events.rejected} rejected, {events.pending} pending",
            ),
            Held("every event became a feature", missed == 0, f"{missed} probes never became readable"),
            Held(
                "nothing was promised that was not there",
                promised > 0 and not self.broken_promises,
                f"{promised} promises checked at source, {len(self.broken_promises)} broken",
            ),
            Held(
                "activations arrived, signed",
                self.delivered > 0 and self.refused_signatures == 0,
                f"{self.delivered} delivered, {self.refused_signatures} with a bad signature",
            ),
            Held(
                "decisions came back as outcomes",
                self.rows.get("decision_outcome", 0) > 0,
                f"{self.rows.get('decision_outcome', 0)} rows in decision_outcome",
            ),
            Held(
                "no model serves that does not beat the household's own frequency",
                self.model is None or self.model.value > self.model.baseline,
                "none passed its gates: own frequency serves"
                if self.model is None
                else f"{self.model.metric} {self.model.value:.3f}, own frequency {self.model.baseline:.3f}",
            ),
        ]

    @property
    def all_held(self) -> bool:
        """Whether the demonstration may call itself a success."""
        return all(promise.held for promise in self.promises)

    def as_json(self) -> dict[str, Any]:
        """The figures and the promises as plain values."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain | {"promises": msgspec.to_builtins(self.promises), "held": self.all_held}


def render(summary: DemoSummary) -> RenderableType:
    """The summary as a person reads it."""
    return Group(
        "",
        f"[bold]Summary[/bold] of {summary.source}, in {summary.seconds:.0f} s. "
        "Shoppers, contacts, consent, costs and stock are simulated; sales are the loaded data.",
        "",
        _promises(summary),
        "",
        _latencies(summary),
        "",
        "Rows: " + ", ".join(f"{count:,} {name}" for name, count in sorted(summary.rows.items())),
        "",
        *(f"{name:<10} {address}" for name, address in summary.addresses.items()),
    )


def _promises(summary: DemoSummary) -> Table:
    table = Table("", "promise", "seen", box=None, title="Promises", title_justify="left")
    for promise in summary.promises:
        table.add_row("[green]held[/green]" if promise.held else "[red]broken[/red]", promise.promise, promise.detail)
    return table


def _latencies(summary: DemoSummary) -> Table:
    table = Table("what", "p50 ms", "p99 ms", "n", "goal p99 ms", box=None, title="Latency", title_justify="left")
    for name, latency in summary.latencies.items():
        if latency is not None:
            goal = GOALS_MS.get(name)
            cells = (f"{latency.p50:.1f}", f"{latency.p99:.1f}", str(latency.count), f"{goal:.0f}" if goal else "")
            table.add_row(name.replace("_", " "), *cells)
    return table
