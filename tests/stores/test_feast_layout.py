"""Our bytes are Feast's bytes: compared with Feast's own helpers and generated classes."""

from datetime import UTC, datetime
from typing import Any

import pytest
from feast.infra.online_stores.helpers import _mmh3, _redis_key
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import StringList, Value
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from rtp.errors import Rejected
from rtp.features.types import FeatureType
from rtp.features.views import VIEWS
from rtp.stores import feast_layout as layout

INT64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(st.sampled_from(["customer_id", "store_id", "product_id", "ä"]), TEXT, min_size=1))
def test_entity_keys(entity: dict[str, str]) -> None:
    proto = EntityKey(join_keys=list(entity), entity_values=[Value(string_val=value) for value in entity.values()])
    assert layout.entity_key("rtp", entity) == _redis_key("rtp", proto, entity_key_serialization_version=3)


def test_field_names() -> None:
    for view in VIEWS:
        for name in view.feature_names:
            assert layout.field_name(view.name, name) == _mmh3(f"{view.name}:{name}")


def test_no_two_features_of_an_entity_share_a_field() -> None:
    """Four bytes of hash are few: a collision would silently mix two features."""
    for join_keys in {view.entity.join_keys for view in VIEWS}:
        fields = [
            layout.field_name(v.name, n) for v in VIEWS if v.entity.join_keys == join_keys for n in v.feature_names
        ]
        assert len(fields) == len(set(fields))


VALUES: list[tuple[FeatureType, str, st.SearchStrategy[Any]]] = [
    (FeatureType.INT, "int64_val", INT64),
    (FeatureType.FLOAT, "double_val", st.floats(allow_nan=False)),
    (FeatureType.TEXT, "string_val", TEXT),
    (FeatureType.FLAG, "bool_val", st.booleans()),
    (FeatureType.TEXTS, "string_list_val", st.lists(TEXT)),
]


@pytest.mark.parametrize(("kind", "field", "values"), VALUES, ids=lambda part: str(part)[:12])
@given(data=st.data())
def test_values(kind: FeatureType, field: str, values: st.SearchStrategy[Any], data: st.DataObject) -> None:
    value = data.draw(values)
    theirs = Value(**{field: StringList(val=value) if field == "string_list_val" else value})
    ours = layout.encode_value(kind, value)
    assert ours == theirs.SerializeToString()
    assert layout.decode_value(ours) == value


@given(st.integers(-(2**40), 2**40))
def test_times_are_whole_seconds(seconds: int) -> None:
    ours = layout.encode_value(FeatureType.TIME, seconds * 1_000_000 + 999_999)
    assert ours == Value(unix_timestamp_val=seconds).SerializeToString()
    assert layout.decode_value(ours) == seconds * 1_000_000


@pytest.mark.parametrize("kind", FeatureType)
def test_unknown_values_come_back_unknown(kind: FeatureType) -> None:
    assert layout.decode_value(layout.encode_value(kind, None)) is None


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001 (made aware below)
def test_event_times(moment: datetime) -> None:
    from rtp.clock import to_micros

    stamp = Timestamp()
    stamp.FromDatetime(moment.replace(tzinfo=UTC))
    micros = to_micros(moment.replace(tzinfo=UTC))
    assert layout.encode_time(micros) == stamp.SerializeToString()
    assert layout.decode_time(layout.encode_time(micros)) == micros


def test_a_type_that_is_not_ours_is_refused() -> None:
    with pytest.raises(Rejected):
        layout.decode_value(Value(int32_val=5).SerializeToString())
