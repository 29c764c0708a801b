"""What kinds of values a feature has, and how Feast names them."""

from enum import StrEnum


class FeatureType(StrEnum):
    """The type of a feature; the value is the name of Feast's type."""

    INT = "Int64"
    FLOAT = "Float64"
    TEXT = "String"
    FLAG = "Bool"
    TIME = "UnixTimestamp"
    """In the engine microseconds since 1970 UTC; Feast keeps whole seconds."""
    TEXTS = "Array(String)"
