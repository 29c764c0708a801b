"""What a feature view is, and what it is made of."""

import msgspec

from rtp.features.types import FeatureType


class Feature(msgspec.Struct, frozen=True):
    """A column of a view."""

    name: str
    type: FeatureType
    meaning: str


class Entity(msgspec.Struct, frozen=True):
    """What features are about."""

    name: str
    join_keys: tuple[str, ...]
    meaning: str


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A group of features of one entity with one source."""

    name: str
    entity: Entity
    meaning: str
    owner: str
    features: tuple[Feature, ...]
    ttl_days: int
    mart: str | None = None
    """The published mart it is materialized from; None for a view that is pushed live."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names, in order."""
        return tuple(feature.name for feature in self.features)

    @property
    def types(self) -> dict[str, FeatureType]:
        """Types by feature name."""
        return {feature.name: feature.type for feature in self.features}


class Service(msgspec.Struct, frozen=True):
    """The features that one model or screen asks for together."""

    name: str
    views: tuple[View, ...]
    meaning: str
    owner: str

    @property
    def references(self) -> tuple[str, ...]:
        """ "view:feature" of all its features."""
        return tuple(f"{view.name}:{name}" for view in self.views for name in view.feature_names)
