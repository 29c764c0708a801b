"""What a decision promises to shoppers and channels."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from rtp.decisioning.assignment import Experiment, Experiments, Variation
from rtp.decisioning.decision import CustomerRef, DecideContext, DecideRequest
from rtp.errors import Rejected
from rtp.inventory.stock import Movement
from tests.decisioning.conftest import NOW, Known, Shop

MakeShop = Callable[[], Shop]


@pytest.fixture
async def shop_open(make_shop: MakeShop) -> Shop:
    shop = make_shop()
    await shop.fill()
    return shop


def asked(user: str = "u1", channel: str = "web", limit: int = 5, **context: Any) -> DecideRequest:
    return DecideRequest(
        customer=CustomerRef(user_id=user), channel=channel, limit=limit, context=DecideContext(**context)
    )


async def test_a_known_customer_gets_their_habits_first_with_words_and_a_promise(shop_open: Shop) -> None:
    record = await shop_open.decider.record(asked(limit=5), NOW)
    decision = record.decision
    assert [action.position for action in decision.actions] == [1, 2, 3, 4, 5]
    assert any("Bought" in reason for action in decision.actions for reason in action.reasons)
    assert all(action.fulfilment and action.fulfilment.available == 5 for action in decision.actions)
    assert all(action.action_id == f"product:{action.product_id}" for action in decision.actions)
    values = [action.expected_value for action in decision.actions]
    assert values == sorted(values, reverse=True)
    assert decision.customer_id == "c001"
    assert len(record.rejected) + len(decision.actions) == record.candidates


async def test_every_channel_gets_the_same_ranking_of_a_moment_minus_what_it_cannot_show(shop_open: Shop) -> None:
    await shop_open.stock.apply(
        [Movement(movement_id="m", store_id="s1", product_id="p030", kind="count", quantity=0, occurred_at=NOW)]
    )
    web = (await shop_open.decider.record(asked(limit=20), NOW)).decision
    app = (await shop_open.decider.record(asked(channel="app", limit=20), NOW + 1)).decision
    store = (await shop_open.decider.record(asked(channel="store", limit=20, store_id="s1"), NOW + 2)).decision
    assert web.moment_id == app.moment_id == store.moment_id
    assert len({web.decision_id, app.decision_id, store.decision_id}) == 3
    order = [action.action_id for action in web.actions]
    assert [action.action_id for action in app.actions] == order
    common = [action.action_id for action in store.actions if action.action_id in order]
    assert common == [action_id for action_id in order if action_id in common]
    assert {action.fulfilment.method for action in store.actions if action.fulfilment} == {"in_store"}


async def test_a_meaningful_event_begins_a_new_moment_and_an_exposure_does_not(shop_open: Shop) -> None:
    shop_open.online.lives("c001", events_total=3)
    first = (await shop_open.decider.record(asked(limit=20), NOW)).decision
    same = (await shop_open.decider.record(asked(limit=20), NOW + 1)).decision
    shop_open.online.lives("c001", events_total=4, last_products=["p050"])
    after = (await shop_open.decider.record(asked(limit=20), NOW + 2)).decision
    assert first.moment_id == same.moment_id != after.moment_id
    before, now = ([action.action_id for action in decision.actions] for decision in (first, after))
    assert "product:p050" not in before
    assert "product:p050" in now


async def test_what_is_in_the_cart_is_not_offered_and_what_goes_with_it_is(shop_open: Shop) -> None:
    shop_open.online.lives("c001", events_total=1, cart_products=["p036"])
    record = await shop_open.decider.record(asked(limit=10), NOW)
    offered = {action.product_id: action for action in record.decision.actions}
    assert "p036" not in offered
    assert "p037" in offered
    assert "Often bought together" in offered["p037"].reasons[0]
    assert ("product:p036", "IN_CART") in {(row.action_id, row.reason) for row in record.rejected}


@pytest.mark.parametrize("denied", [{"personalization/all"}])
async def test_without_consent_a_page_shows_what_depends_on_the_context_alone(
    shop_open: Shop, denied: set[str]
) -> None:
    shop_open.denied = denied
    mine = await shop_open.decider.record(asked(store_id="s0"), NOW)
    anothers = await shop_open.decider.record(asked("u2", store_id="s0"), NOW)
    assert mine.contextual
    assert mine.decision.actions
    assert mine.features == {}
    assert [action.action_id for action in mine.decision.actions] == [
        action.action_id for action in anothers.decision.actions
    ]
    assert not any("Bought" in reason for action in mine.decision.actions for reason in action.reasons)


async def test_an_outbound_channel_without_its_consent_sends_nothing_and_says_why(shop_open: Shop) -> None:
    shop_open.denied = {"marketing/email"}
    decision = (await shop_open.decider.record(asked(channel="email"), NOW)).decision
    assert decision.actions == []
    assert {row.reason for row in decision.rejected} == {"NO_CONSENT"}
    shop_open.denied = set()
    assert (await shop_open.decider.record(asked(channel="email"), NOW)).decision.actions


async def test_an_unknown_customer_gets_contextual_actions(shop_open: Shop) -> None:
    request = DecideRequest(customer=CustomerRef(anonymous_id="nobody-yet"), channel="web")
    decision = (await shop_open.decider.record(request, NOW)).decision
    assert decision.customer_id is None
    assert len(decision.actions) == 3
    assert decision.fallback is True, "no model has been promoted in this shop"


async def test_a_request_without_any_identifier_is_refused(shop_open: Shop) -> None:
    with pytest.raises(Rejected, match="names no customer"):
        await shop_open.decider.decide(DecideRequest(customer=CustomerRef(), channel="web"))


async def test_an_unknown_store_is_left_out_and_told(shop_open: Shop) -> None:
    decision = (await shop_open.decider.record(asked(store_id="atlantis"), NOW)).decision
    assert decision.actions
    assert (decision.rejected[0].action_id, decision.rejected[0].reason) == ("store:atlantis", "UNKNOWN_STORE")


async def test_nothing_out_of_stock_or_stale_is_promised_and_the_page_is_not_empty(make_shop: MakeShop) -> None:
    shop = make_shop()
    unknown = (await shop.decider.record(asked(), NOW)).decision
    assert {row.reason for row in unknown.rejected} == {"STOCK_STALE"}
    assert [action.kind for action in unknown.actions] == ["content", "service"]
    await shop.fill(quantity=0)
    empty = (await shop.decider.record(asked(), NOW)).decision
    assert {row.reason for row in empty.rejected} == {"OUT_OF_STOCK"}
    await shop.fill()
    late = (await shop.decider.record(asked(), NOW + 72 * 3_600_000_000)).decision
    assert {row.reason for row in late.rejected} == {"STOCK_STALE"}


async def test_what_the_mirror_still_shows_is_rechecked_at_source(shop_open: Shop) -> None:
    first = (await shop_open.decider.record(asked(limit=1), NOW)).decision.actions[0]
    assert first.product_id is not None
    mirror = dict(shop_open.stock._mirror)
    for store in ("s0", "s1", "s2", "web"):
        await shop_open.stock.apply(
            [
                Movement(
                    movement_id="gone", store_id=store, product_id=first.product_id, kind="sale", quantity=5,
                    occurred_at=NOW,
                )
            ]
        )  # fmt: skip
    shop_open.stock._mirror = mirror
    record = await shop_open.decider.record(asked(limit=1), NOW)
    assert record.decision.actions[0].product_id != first.product_id
    assert (first.action_id, "OUT_OF_STOCK") in {(row.action_id, row.reason) for row in record.rejected}


async def test_the_policy_decides_on_margin_recency_and_channel(make_shop: MakeShop) -> None:
    shop = make_shop()
    await shop.fill()
    rule = msgspec.structs.replace(shop.policy.channels["web"], exclude_products=["p000"])
    shop.policy = msgspec.structs.replace(
        shop.policy, recently_bought_days=10_000, channels={**shop.policy.channels, "web": rule}
    )
    record = await shop.decider.record(asked("u0", limit=20), NOW)
    reasons = {row.action_id: row.reason for row in record.rejected}
    assert reasons["product:p000"] == "NOT_IN_CHANNEL"
    assert reasons["product:p001"] == "RECENTLY_BOUGHT"
    shop.policy = msgspec.structs.replace(shop.policy, recently_bought_days=0, margin_floor_rate=0.9)
    record = await shop.decider.record(asked("u0", limit=20), NOW)
    assert "MARGIN_FLOOR" in {row.reason for row in record.rejected}


async def test_before_the_first_build_the_answer_is_a_fallback_and_not_an_error(make_shop: MakeShop) -> None:
    shop = make_shop()
    shop.known = Known(None)
    record = await shop.decider.record(asked(store_id="s0"), NOW)
    assert record.decision.fallback
    assert record.decision.actions
    assert record.reason_for_fallback == "no catalogue has been built yet"


async def test_an_experiment_draws_the_same_variation_in_every_channel(shop_open: Shop) -> None:
    shop_open.experiments = Experiments(
        experiments=[Experiment(id="e", variations=[Variation(id="a"), Variation(id="b")])]
    )
    drawn = {
        channel: (await shop_open.decider.record(asked(channel=channel), NOW)).decision.experiments[0].variation_id
        for channel in ("web", "app", "store")
    }
    assert len(set(drawn.values())) == 1


async def test_a_decision_is_logged_and_can_be_explained(shop_open: Shop) -> None:
    shop_open.online.lives("c001", events_total=3)
    decision = await shop_open.decider.decide(asked(), trigger_id="t1")
    record = await shop_open.decider.explained(decision.decision_id)
    assert record is not None
    assert record.trigger_id == "t1"
    assert record.features["customer_live:events_total"] == 3
    assert record.policy_version.startswith("default-")
    assert await shop_open.decider.explained("nothing") is None


async def test_what_was_bought_a_moment_ago_in_any_channel_is_not_offered_again(shop_open: Shop) -> None:
    best = (await shop_open.decider.record(asked(limit=1), NOW)).decision.actions[0].product_id
    shop_open.online.lives("c001", events_total=1, last_bought_products=[best], last_purchase_at=NOW - 1)
    record = await shop_open.decider.record(asked(limit=20), NOW)
    assert best not in [action.product_id for action in record.decision.actions]
    assert (f"product:{best}", "RECENTLY_BOUGHT") in {(row.action_id, row.reason) for row in record.rejected}
