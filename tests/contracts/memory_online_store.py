"""The online store in a dict: for tests of what uses one, held to the same contract as the real one."""

from collections.abc import Sequence

from rtp.errors import Rejected
from rtp.features.online import EVENT_TIME, EntityKey
from rtp.features.references import parse_reference, view_named
from rtp.features.types import FeatureType
from rtp.features.values import FeatureRow, FeatureValue
from rtp.features.view import View

Key = tuple[str, ...]


class MemoryOnlineStore:
    def __init__(self) -> None:
        self._rows: dict[tuple[str, Key], tuple[int, dict[str, FeatureValue]]] = {}

    async def read(self, entities: Sequence[EntityKey], features: Sequence[str]) -> list[dict[str, FeatureValue]]:
        return [{reference: self._value(entity, reference) for reference in features} for entity in entities]

    async def write(self, view: str, rows: Sequence[tuple[EntityKey, int, FeatureRow]]) -> int:
        spec = view_named(view)
        for _, _, row in rows:
            if row.keys() - spec.types.keys():
                raise Rejected("no such feature", reason="UNKNOWN_FEATURE")
        checked = [(key_of(spec, entity), at, typed(spec, row)) for entity, at, row in rows]
        written = 0
        for key, at, row in checked:
            if (view, key) not in self._rows or self._rows[view, key][0] <= at:
                self._rows[view, key] = (at, row)
                written += 1
        return written

    def _value(self, entity: EntityKey, reference: str) -> FeatureValue:
        name, _, feature = reference.partition(":")
        spec = view_named(name) if feature == EVENT_TIME else parse_reference(reference)[0]
        at, row = self._rows.get((name, key_of(spec, entity)), (None, {}))
        return at if feature == EVENT_TIME else row.get(feature)


def key_of(view: View, entity: EntityKey) -> Key:
    if any(name not in entity for name in view.entity.join_keys):
        raise Rejected("a key is missing", reason="MISSING_ENTITY_KEY")
    return tuple(entity[name] for name in view.entity.join_keys)


KINDS: dict[FeatureType, tuple[type, ...]] = {
    FeatureType.INT: (int,),
    FeatureType.TIME: (int,),
    FeatureType.FLOAT: (int, float),
    FeatureType.TEXT: (str,),
    FeatureType.TEXTS: (list,),
    FeatureType.FLAG: (bool,),
}


def typed(view: View, row: FeatureRow) -> dict[str, FeatureValue]:
    return {name: value_of(kind, row.get(name)) for name, kind in view.types.items()}


def value_of(kind: FeatureType, value: FeatureValue) -> FeatureValue:
    if value is None or value != value:
        return None
    if type(value) not in KINDS[kind]:
        raise Rejected("wrong type", reason="WRONG_TYPE")
    if kind is FeatureType.TIME and isinstance(value, int):
        return value // 1_000_000 * 1_000_000
    return float(value) if kind is FeatureType.FLOAT and isinstance(value, int) else value
