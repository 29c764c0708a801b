"""What the worker needs for activations: the rule of the fold, the handler of its effects, the sender."""

from dataclasses import dataclass
from pathlib import Path

from rtp.activation.destinations import active, load_destinations
from rtp.activation.handler import ActivationHandler, ConsentOf, Deciding
from rtp.activation.outbox import Outbox, RecordLog
from rtp.activation.promises import StockReader
from rtp.activation.sender import Sender
from rtp.activation.triggers import by_event, load_triggers, trigger_rule
from rtp.clock import Clock
from rtp.features.live import LIVE_FEATURES
from rtp.identity.graph import IdentityGraph
from rtp.profile.effects import TriggerRule


@dataclass(frozen=True, kw_only=True)
class Activation:
    """The three parts; `sender.run(stop)` is a task of the worker's."""

    rule: TriggerRule
    handler: ActivationHandler
    sender: Sender


def assemble_activation(
    config_dir: Path,
    *,
    default_secret: str,
    decider: Deciding,
    consent_of: ConsentOf,
    stock: StockReader,
    graph: IdentityGraph,
    outbox: Outbox,
    records: RecordLog,
    clock: Clock,
) -> Activation:
    """Reads triggers.yaml and destinations.yaml; raises Fatal with file, line and suggestion for a mistake."""
    destinations = load_destinations(config_dir / "destinations.yaml", default_secret=default_secret)
    names = [feature.name for feature in LIVE_FEATURES]
    triggers = load_triggers(config_dir / "triggers.yaml", destinations, features=names)
    sender = Sender(
        active(destinations),
        outbox=outbox,
        records=records,
        consent_of=consent_of,
        stock=stock,
        graph=graph,
        clock=clock,
    )
    handler = ActivationHandler(
        {trigger.id: trigger for trigger in triggers},
        decider=decider,
        consent_of=consent_of,
        outbox=outbox,
        records=records,
        clock=clock,
        wake=sender.wake,
    )
    return Activation(rule=trigger_rule(by_event(triggers, active(destinations))), handler=handler, sender=sender)
