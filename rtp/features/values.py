"""Feature values: what a feature may be, and that missing is not zero."""

from collections.abc import Mapping

FeatureValue = int | float | str | bool | list[str] | None
"""None is "unknown", never 0 or ""."""

FeatureRow = Mapping[str, FeatureValue]
"""Feature name to value."""
