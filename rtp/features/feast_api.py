"""Feast's feature-server contract over our online store: `POST /get-online-features`, read for read.

Where Feast says PRESENT of an entity that it never heard of, this says NOT_FOUND, and NULL_VALUE of a feature that is
unknown of an entity that is there; values, names and their order are Feast's.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from rtp.clock import from_micros
from rtp.errors import Rejected
from rtp.features.online import EVENT_TIME, EntityKey, OnlineStore
from rtp.features.references import parse_reference, service_named
from rtp.features.types import FeatureType
from rtp.features.values import FeatureValue
from rtp.features.view import Feature, View

MOST_ENTITIES = 10_000
NEVER = "1970-01-01T00:00:00Z"


class OnlineFeaturesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a request; join keys name equally long lists."""

    entities: dict[str, list[Any]]
    features: list[str] = []
    """"view:feature" names, unless `feature_service` is given."""
    feature_service: str | None = None
    full_feature_names: bool = False
    include_feature_view_version_metadata: bool = False


class FeatureNames(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the result rows are, in order."""

    feature_names: list[str]
    feature_view_metadata: list[dict[str, str]] = []


class FeatureVector(msgspec.Struct, frozen=True):
    """One name's values, over all entities."""

    values: list[Any]
    statuses: list[str]
    event_timestamps: list[str]


class OnlineFeaturesResponse(msgspec.Struct, frozen=True):
    """The answer, as Feast's server spells it."""

    results: list[FeatureVector]
    metadata: FeatureNames


async def get_online_features(store: OnlineStore, request: OnlineFeaturesRequest) -> OnlineFeaturesResponse:
    """Answers a request in one read of the store; raises Rejected, with a field, for one that cannot be answered."""
    asked = _asked(request)
    entities = _entities(request.entities)
    views = {view.name: view for view, _ in asked}
    references = [f"{view.name}:{feature.name}" for view, feature in asked]
    rows = await store.read(entities, [*references, *(f"{name}:{EVENT_TIME}" for name in views)])
    keys = {name: [entity[name] for entity in entities] for name in request.entities}
    names = [f"{v.name}__{f.name}" if request.full_feature_names else f.name for v, f in asked]
    versions = [{"name": name} for name in views] if request.include_feature_view_version_metadata else []
    return OnlineFeaturesResponse(
        results=[
            *(FeatureVector(values, ["PRESENT"] * len(values), [NEVER] * len(values)) for values in keys.values()),
            *(_vector(view, feature, rows) for view, feature in asked),
        ],
        metadata=FeatureNames([*keys, *names], versions),
    )


def _asked(request: OnlineFeaturesRequest) -> list[tuple[View, Feature]]:
    """The features in Feast's order: view by view, each as first named."""
    if request.feature_service:
        references: Sequence[str] = service_named(request.feature_service).references
    else:
        references = request.features
    if not references:
        raise Rejected("No features are asked for.", reason="NO_FEATURES", field="features")
    by_view: dict[str, list[tuple[View, Feature]]] = {}
    for reference in dict.fromkeys(references):
        view, feature = parse_reference(reference)
        by_view.setdefault(view.name, []).append((view, feature))
    asked = [pair for pairs in by_view.values() for pair in pairs]
    names = [feature.name for _, feature in asked]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice and not request.full_feature_names:
        raise Rejected(
            f"Several views have a feature {', '.join(twice)}.", reason="NAME_COLLISION", field="full_feature_names",
            hint="Set full_feature_names to true.",
        )  # fmt: skip
    return asked


def _entities(columns: dict[str, list[Any]]) -> list[EntityKey]:
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1 or lengths == {0}:
        raise Rejected(
            "`entities` must name join keys with equally long lists of at least one value.",
            reason="BAD_ENTITIES", field="entities",
        )  # fmt: skip
    if max(lengths) > MOST_ENTITIES:
        raise Rejected(f"At most {MOST_ENTITIES} entities a request.", reason="TOO_MANY_ENTITIES", field="entities")
    for name, values in columns.items():
        if any(isinstance(value, bool) or not isinstance(value, str | int) for value in values):
            raise Rejected("Entity values are text or whole numbers.", reason="BAD_ENTITIES", field=f"entities.{name}")
    return [dict(zip(columns, map(str, row), strict=True)) for row in zip(*columns.values(), strict=True)]


def _vector(view: View, feature: Feature, rows: Sequence[dict[str, FeatureValue]]) -> FeatureVector:
    values, statuses, times = [], [], []
    for row in rows:
        at = row[f"{view.name}:{EVENT_TIME}"]
        value = _as_json(feature.type, row[f"{view.name}:{feature.name}"])
        values.append(value)
        statuses.append("NOT_FOUND" if at is None else "NULL_VALUE" if value is None else "PRESENT")
        times.append(_as_text(from_micros(at)) if isinstance(at, int) else NEVER)
    return FeatureVector(values, statuses, times)


def _as_json(kind: FeatureType, value: FeatureValue) -> Any:
    """Times as whole seconds. An empty list as null: Feast's remote client cannot tell the type of `[]` and fails."""
    if kind is FeatureType.TIME and isinstance(value, int):
        return value // 1_000_000
    if isinstance(value, float) and value in {float("inf"), float("-inf")}:
        return "Infinity" if value > 0 else "-Infinity"
    return None if value == [] else value


def _as_text(moment: datetime) -> str:
    """RFC 3339 with as many digits as it needs: none, three or six."""
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    if moment.microsecond % 1000:
        return f"{text}.{moment.microsecond:06d}Z"
    return f"{text}.{moment.microsecond // 1000:03d}Z" if moment.microsecond else f"{text}Z"
