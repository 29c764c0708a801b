"""Feast's objects, made from rtp.features.views. Only builds and `feature_repo/` import this: Feast imports slowly."""

from collections.abc import Sequence
from datetime import timedelta

from feast import Entity as FeastEntity
from feast import FeatureService, FeatureView, Field, FileSource, PushSource, ValueType
from feast.types import Array, Bool, FeastType, Float64, Int64, String, UnixTimestamp

from rtp.features.types import FeatureType
from rtp.features.view import Entity, Service, View
from rtp.features.views import CUSTOMER, EVENT_TIME, PRODUCT, STOCK
from rtp.stores.lake import Lake

TYPES: dict[FeatureType, FeastType] = {
    FeatureType.INT: Int64,
    FeatureType.FLOAT: Float64,
    FeatureType.TEXT: String,
    FeatureType.FLAG: Bool,
    FeatureType.TIME: UnixTimestamp,
    FeatureType.TEXTS: Array(String),
}

JOIN_KEYS = {CUSTOMER.name: "customer_id", PRODUCT.name: "product_id", STOCK.name: "store_id"}
"""Feast knows one join key an entity: a view of stock has the entities `stock` (the store's key) and `product`."""


def feast_entity(entity: Entity) -> FeastEntity:
    """The Feast entity of ours."""
    return FeastEntity(
        name=entity.name,
        join_keys=[JOIN_KEYS[entity.name]],
        value_type=ValueType.STRING,
        description=entity.meaning,
    )


def feast_view(view: View, lake: Lake) -> FeatureView:
    """The Feast view of ours, over the published mart, or pushed with a file of replayed events behind it."""
    source = FileSource(
        name=f"{view.name}_source",
        path=str(lake.mart(view.mart) if view.mart else lake.root / "features" / view.name / "data.parquet"),
        timestamp_field=EVENT_TIME if view.mart else "event_timestamp",
        description=f"The published mart {view.mart}." if view.mart else "Replayed out of the archived events.",
    )
    owners = {key: name for name, key in JOIN_KEYS.items()}
    known = {CUSTOMER.name: CUSTOMER, PRODUCT.name: PRODUCT, STOCK.name: STOCK}
    keys = view.entity.join_keys
    return FeatureView(
        name=view.name,
        entities=[feast_entity(known[owners[key]]) for key in keys],
        schema=[
            *(Field(name=key, dtype=String) for key in keys),
            *(Field(name=f.name, dtype=TYPES[f.type], description=f.meaning) for f in view.features),
        ],
        source=source if view.mart else PushSource(name=f"{view.name}_push", batch_source=source),
        ttl=timedelta(days=view.ttl_days),
        online=True,
        owner=view.owner,
        description=view.meaning,
        tags={"speed": "batch" if view.mart else "live"},
    )


def feast_service(service: Service, views: Sequence[FeatureView]) -> FeatureService:
    """The Feast service of ours."""
    return FeatureService(name=service.name, features=list(views), description=service.meaning, owner=service.owner)
