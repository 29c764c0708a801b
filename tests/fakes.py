"""Small stand-ins for ports whose real implementation is tested elsewhere."""

from collections.abc import Sequence
from datetime import datetime

from rtp.clock import from_micros
from rtp.features.online import EntityKey
from rtp.features.values import FeatureRow, FeatureValue
from rtp.profile.effects import Effect


class FakeOnlineStore:
    """OnlineStore in a dict, newer wins."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[int, FeatureRow]] = {}

    async def read(self, entities: Sequence[EntityKey], features: Sequence[str]) -> list[dict[str, FeatureValue]]:
        found = []
        for entity in entities:
            values: dict[str, FeatureValue] = {}
            for feature in features:
                view, _, name = feature.partition(":")
                values[feature] = self.rows.get((view, tuple(sorted(entity.items()))), (0, {}))[1].get(name)
            found.append(values)
        return found

    async def write(self, view: str, rows: Sequence[tuple[EntityKey, int, FeatureRow]]) -> int:
        written = 0
        for entity, at, values in rows:
            key = (view, tuple(sorted(entity.items())))
            if key not in self.rows or self.rows[key][0] <= at:
                self.rows[key] = (at, values)
                written += 1
        return written

    def customer(self, customer_id: str) -> FeatureRow:
        """The row of `customer_live`."""
        return self.rows.get(("customer_live", (("customer_id", customer_id),)), (0, {}))[1]


class Recorder:
    """An effect handler that writes down what it was asked, and raises what it is given to raise."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[Effect]]] = []
        self.failures: list[Exception] = []

    async def __call__(self, customer_id: str, effects: list[Effect]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.calls.append((customer_id, effects))

    @property
    def effect_ids(self) -> list[str]:
        return [effect.effect_id for _, effects in self.calls for effect in effects]


class TickingClock:
    """A clock that goes on by a millisecond at each look."""

    def __init__(self, start: int) -> None:
        self.now = start

    def __call__(self) -> datetime:
        self.now += 1000
        return from_micros(self.now)
