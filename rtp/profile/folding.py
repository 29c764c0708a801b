"""Folding log entries into a fragment. Pure: the same entries give the same bytes, in whatever batches."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from rtp.features.commerce import ORDER_COMPLETED, is_track, product_lines, reservation_ids, text
from rtp.features.live import LiveState, combine, lift, project
from rtp.profile.consent import Grant, combine_grants, grants_of
from rtp.profile.effects import Effect, TriggerRule
from rtp.profile.fragment import (
    DEDUPLICATION_MS,
    MOST_SEEN,
    Fragment,
    FragmentState,
    Position,
    Seen,
    message_hash,
)
from rtp.signals.event import Event, LogEntry, position_order
from rtp.signals.log import Outcome

NO_TRIGGERS = TriggerRule()
NOTHING_BESIDE: LiveState = {}


class Incoming(msgspec.Struct, frozen=True):
    """An entry to fold."""

    entry: LogEntry
    order_counts: bool = True
    """False where another event has already counted the order that this one completes."""
    verdict: Outcome | None = None
    """What it was found to be when it was first folded; None where that is now to be found."""


class Folded(msgspec.Struct, frozen=True):
    """A fragment after some entries, and what became of each of them."""

    fragment: Fragment
    outcomes: tuple[Outcome, ...]
    changed: bool
    """False where every entry had been folded before: then only its effects are left to do."""


def order_id(event: Event) -> str | None:
    """The order that an event completes, or None."""
    if not is_track(event, ORDER_COMPLETED):
        return None
    return text(event.properties.get("order_id", event.properties.get("orderId")))


def fold_entries(
    fragment: Fragment,
    incoming: Sequence[Incoming],
    rule: TriggerRule = NO_TRIGGERS,
    *,
    beside: LiveState = NOTHING_BESIDE,
) -> Folded:
    """The fragment after these entries, with the effects that they cause.

    `beside` is the live state of the customer's other fragments: triggers see it too, the fragment never does.

    An entry folded before changes nothing; one whose message id another entry of the last 24 hours of log time has,
    or whose order has been counted, only becomes known as a duplicate. An entry that cannot be folded is "rejected"
    and harms no other.
    """
    folding = _Folding(fragment, rule, beside)
    outcomes = tuple(folding.take(each) for each in incoming)
    return Folded(folding.result(), outcomes, folding.changed)


class _Folding:
    def __init__(self, fragment: Fragment, rule: TriggerRule, beside: LiveState) -> None:
        self._before = fragment
        self._rule = rule
        self._beside = beside
        self._live: LiveState = fragment.state.live
        self._consent: dict[str, Grant] = fragment.state.consent
        self._applied = fragment.state.applied
        self._seen = {each.position: each.message for each in fragment.state.seen}
        self._messages = _positions_by_message(fragment.state.seen)
        self._effects: list[Effect] = []
        self.changed = False

    def take(self, incoming: Incoming) -> Outcome:
        entry, position = incoming.entry, position_order(incoming.entry.position)
        message = message_hash(entry.event.message_id)
        if position <= self._before.state.floor:
            return "applied"
        if position in self._seen:
            repeated = min(self._messages[message]) < position
            return "duplicate" if repeated or not incoming.order_counts else "applied"
        outcome = incoming.verdict or self._judged(incoming, position, message)
        if outcome == "applied":
            outcome = self._fold(entry.event)
        if outcome == "rejected":
            return outcome
        self._seen[position] = message
        self._messages.setdefault(message, []).append(position)
        self.changed = True
        return outcome

    def _judged(self, incoming: Incoming, position: Position, message: int) -> Outcome:
        """Whether it counts, if it can be folded."""
        repeated = any(abs(position[0] - other[0]) <= DEDUPLICATION_MS for other in self._messages.get(message, ()))
        return "duplicate" if repeated or not incoming.order_counts else "applied"

    def _fold(self, event: Event) -> Outcome:
        try:
            live = combine((self._live, lift(event)))
            consent = combine_grants([self._consent, grants_of(event)])
            effects = self._effects_of(event, live)
        except Exception:  # noqa: BLE001 - one event that nothing can be made of must not stop its partition
            return "rejected"
        self._live, self._consent, self._applied = live, consent, self._applied + 1
        self._effects += effects
        return "applied"

    def _effects_of(self, event: Event, live: LiveState) -> list[Effect]:
        effects: list[Effect] = []
        if event.store_id and (order := order_id(event)):
            quantities = Counter[str]()
            for line in product_lines(event):
                quantities[line.product_id] += line.quantity
            payload = {
                "order_id": order,
                "store_id": event.store_id,
                "quantities": dict(quantities),
                "placed_at": event.occurred_at,
            }
            if reservations := reservation_ids(event):
                payload["reservation_ids"] = reservations
            effects.append(Effect(effect_id=f"{event.message_id}:stock", kind="stock", payload=payload))
        if event.type == "track" and event.name in self._rule.events:
            effects += self._rule.effects(event, project(combine((live, self._beside)), event.received_at))
        return effects

    def result(self) -> Fragment:
        before = self._before
        if not self.changed:
            return before
        watermark = max(before.state.watermark, *self._seen)
        floor, seen = _forget(self._seen, before.state.floor, watermark)
        state = FragmentState(
            live=self._live,
            consent=self._consent,
            applied=self._applied,
            watermark=watermark,
            floor=floor,
            seen=seen,
        )
        return msgspec.structs.replace(before, state=state, pending=(*before.pending, *self._effects))


def _positions_by_message(seen: Sequence[Seen]) -> dict[int, list[Position]]:
    positions: dict[int, list[Position]] = {}
    for each in seen:
        positions.setdefault(each.message, []).append(each.position)
    return positions


def _forget(seen: dict[Position, int], floor: Position, watermark: Position) -> tuple[Position, tuple[Seen, ...]]:
    """Entries older than 24 hours of log time are forgotten: everything up to them counts as folded from now on."""
    oldest = watermark[0] - DEDUPLICATION_MS
    ordered = sorted(seen.items())
    keep = next((index for index, (position, _) in enumerate(ordered) if position[0] >= oldest), len(ordered))
    keep = max(keep, len(ordered) - MOST_SEEN)
    if keep:
        floor = ordered[keep - 1][0]
    return floor, tuple(Seen(*position, message) for position, message in ordered[keep:])
