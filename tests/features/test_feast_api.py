"""Requests in Feast's form: names, order and statuses of the answer, and what is wrong with a bad one."""

from typing import Any

import msgspec
import pytest

from rtp.errors import Rejected
from rtp.features.feast_api import OnlineFeaturesRequest, get_online_features
from rtp.features.views import CUSTOMER_LIVE, CUSTOMER_PROFILE
from tests.contracts.memory_online_store import MemoryOnlineStore

AT = 1_790_000_000_500_000


@pytest.fixture
async def store() -> MemoryOnlineStore:
    store = MemoryOnlineStore()
    row = {"events_total": 4, "cart_products": [], "last_view_at": AT, "sales_value_decayed_7d": float("inf")}
    await store.write("customer_live", [({"customer_id": "c1"}, AT, row)])
    await store.write("stock_live", [({"store_id": "s", "product_id": "7"}, AT, {"available": 2})])
    return store


async def ask(store: MemoryOnlineStore, **body: Any) -> dict[str, Any]:
    answer = await get_online_features(store, msgspec.convert(body, OnlineFeaturesRequest))
    return dict(msgspec.to_builtins(answer))


async def test_entities_come_first_then_features_view_by_view(store: MemoryOnlineStore) -> None:
    wanted = ["customer_live:events_total", "customer_profile:orders_90d", "customer_live:cart_value"]
    answer = await ask(store, entities={"customer_id": ["c1", "c2"]}, features=wanted)
    assert answer["metadata"] == {"feature_names": ["customer_id", "events_total", "cart_value", "orders_90d"]}
    assert [vector["values"] for vector in answer["results"]] == [["c1", "c2"], [4, None], [None, None], [None, None]]
    assert [vector["statuses"] for vector in answer["results"]] == [
        ["PRESENT", "PRESENT"],
        ["PRESENT", "NOT_FOUND"],
        ["NULL_VALUE", "NOT_FOUND"],
        ["NOT_FOUND", "NOT_FOUND"],
    ]
    assert answer["results"][1]["event_timestamps"] == ["2026-09-21T14:13:20.500Z", "1970-01-01T00:00:00Z"]


async def test_values_that_json_or_feasts_client_cannot_hold(store: MemoryOnlineStore) -> None:
    wanted = ["customer_live:cart_products", "customer_live:last_view_at", "customer_live:sales_value_decayed_7d"]
    answer = await ask(store, entities={"customer_id": ["c1"]}, features=wanted)
    assert [vector["values"] for vector in answer["results"][1:]] == [[None], [AT // 1_000_000], ["Infinity"]]


async def test_a_service_gives_all_its_features(store: MemoryOnlineStore) -> None:
    answer = await ask(store, entities={"customer_id": ["c1"]}, feature_service="next_best_action_v1")
    expected = ["customer_id", *CUSTOMER_PROFILE.feature_names, *CUSTOMER_LIVE.feature_names]
    assert answer["metadata"]["feature_names"] == expected


async def test_full_names(store: MemoryOnlineStore) -> None:
    answer = await ask(
        store, entities={"customer_id": ["c1"]}, features=["customer_live:events_total"], full_feature_names=True
    )
    assert answer["metadata"]["feature_names"] == ["customer_id", "customer_live__events_total"]


async def test_numbers_name_entities_as_text_does(store: MemoryOnlineStore) -> None:
    answer = await ask(store, entities={"store_id": ["s"], "product_id": [7]}, features=["stock_live:available"])
    assert answer["results"][2]["values"] == [2]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"entities": {"customer_id": ["c1"]}}, "NO_FEATURES"),
        ({"entities": {}, "features": ["customer_live:events_total"]}, "BAD_ENTITIES"),
        ({"entities": {"customer_id": []}, "features": ["customer_live:events_total"]}, "BAD_ENTITIES"),
        ({"entities": {"customer_id": ["a"], "x": []}, "features": ["customer_live:events_total"]}, "BAD_ENTITIES"),
        ({"entities": {"customer_id": [None]}, "features": ["customer_live:events_total"]}, "BAD_ENTITIES"),
        ({"entities": {"customer_id": ["c"] * 10_001}, "features": ["customer_live:as_of"]}, "TOO_MANY_ENTITIES"),
        ({"entities": {"product_id": ["7"]}, "features": ["customer_live:as_of"]}, "MISSING_ENTITY_KEY"),
        ({"entities": {"customer_id": ["c1"]}, "features": ["customer_live:nope"]}, "UNKNOWN_FEATURE"),
        ({"entities": {"customer_id": ["c1"]}, "features": ["events_total"]}, "UNKNOWN_VIEW"),
        ({"entities": {"customer_id": ["c1"]}, "feature_service": "nope"}, "UNKNOWN_SERVICE"),
        (
            {
                "entities": {"store_id": ["s"], "product_id": ["7"]},
                "features": ["stock_live:available", "stock_daily:available"],
            },
            "NAME_COLLISION",
        ),
    ],
)
async def test_a_bad_request_says_what_is_wrong(store: MemoryOnlineStore, body: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejected) as refusal:
        await ask(store, **body)
    assert refusal.value.reason == reason
