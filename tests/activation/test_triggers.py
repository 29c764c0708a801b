"""What sets a trigger off, and how a mistake in the file is told."""

from pathlib import Path
from typing import Any

import pytest

from rtp.activation.destinations import active, load_destinations
from rtp.activation.triggers import Condition, Trigger, activation_id, by_event, effects_for, load_triggers
from rtp.errors import Fatal
from rtp.settings import checkout_root
from tests.making import NOON, SECOND, event

CONFIG = checkout_root() / "config"
BASE: dict[str, Any] = {"id": "t1", "event": "Product Added", "channel": "push", "destination": "d"}
ADDED = event(name="Product Added", properties={"product_id": "p7", "price": 9.5, "cart": {"size": 3}})


def listening(**changes: Any) -> dict[str, list[Trigger]]:
    return dict(by_event([Trigger(**(BASE | changes))], {"d": object()}))  # type: ignore[arg-type]


def test_an_effect_carries_what_the_decision_needs_and_its_id_is_derived() -> None:
    (effect,) = effects_for(ADDED, {}, listening())
    assert effect.effect_id == "m1:activate:t1"
    assert effect.payload == {"trigger_id": "t1", "caused_at": NOON, "store_id": None, "product_id": "p7"}
    assert effects_for(ADDED, {}, listening()) == [effect]
    assert activation_id(effect.effect_id) == activation_id("m1:activate:t1") != activation_id("m2:activate:t1")
    assert "m1" not in activation_id("m1:activate:t1")


@pytest.mark.parametrize(
    ("condition", "features", "fires"),
    [
        (Condition(property="price", at_least=9), {}, True),
        (Condition(property="price", at_least=9, at_most=9.4), {}, False),
        (Condition(property="cart.size", equals=3), {}, True),
        (Condition(property="cart.colour", exists=True), {}, False),
        (Condition(property="product_id", any_of=("p1", "p7")), {}, True),
        (Condition(property="product_id", at_least=1), {}, False),
        (Condition(context="storeId", exists=True), {}, False),
        (Condition(feature="product_views_24h", at_least=2), {"product_views_24h": 2}, True),
        (Condition(feature="product_views_24h", at_least=2), {"product_views_24h": 1}, False),
        (Condition(feature="product_views_24h", at_most=5), {"product_views_24h": None}, False),
        (Condition(feature="product_views_24h", at_most=5), {}, False),
    ],
)
def test_conditions_test_what_is_there_and_missing_never_matches(
    condition: Condition, features: dict[str, Any], fires: bool
) -> None:
    assert bool(effects_for(ADDED, features, listening(when=(condition,)))) is fires


def test_other_events_old_events_and_inactive_destinations_cause_nothing() -> None:
    assert not effects_for(event(name="Product Viewed"), {}, listening())
    late = event(name="Product Added", occurred_at=NOON - 601 * SECOND)
    assert not effects_for(late, {}, listening())
    assert effects_for(late, {}, listening(max_age_seconds=700))
    assert by_event([Trigger(**BASE)], {}) == {}


def test_the_files_that_come_with_the_product_are_right_and_send_nothing_by_default() -> None:
    destinations = load_destinations(CONFIG / "destinations.yaml", default_secret="whsec_x", env={})
    triggers = load_triggers(CONFIG / "triggers.yaml", destinations, features=["product_views_24h"])
    assert [trigger.id for trigger in triggers] == ["cart_follow_up"]
    assert active(destinations) == {}
    assert by_event(triggers, active(destinations)) == {}


@pytest.mark.parametrize(
    ("change", "line", "hint"),
    [
        ("event: Product Aded", 3, "Did you mean 'Product Added'?"),
        ("destination: dd", 5, "Did you mean 'd'?"),
        ("channel: pusch", 4, "Did you mean 'push'?"),
        ("when: [{feature: product_view_24h, at_least: 1}]", 6, "Did you mean 'product_views_24h'?"),
        ("when: [{at_least: 1}]", 6, ""),
        ("when: [{property: price}]", 6, ""),
        ("colldown_seconds: 3", 6, "Did you mean 'cooldown_seconds'?"),
        ("ttl_seconds: 0", 6, ""),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, change: str, line: int, hint: str) -> None:
    fields = {"event": "event: Product Added", "channel": "channel: push", "destination": "destination: d"}
    name = change.split(":", maxsplit=1)[0]
    lines = [text if key != name else change for key, text in fields.items()]
    lines += [change] if name not in fields else []
    path = tmp_path / "triggers.yaml"
    path.write_text("triggers:\n  - id: t1\n" + "".join(f"    {text}\n" for text in lines))
    with pytest.raises(Fatal, match=rf"triggers\.yaml:{line}: ") as caught:
        load_triggers(path, {"d": object()}, features=["product_views_24h"])
    assert caught.value.hint == hint


def test_events_of_ones_own_may_have_any_name(tmp_path: Path) -> None:
    path = tmp_path / "triggers.yaml"
    path.write_text("triggers: [{id: t1, event: Fitting Room Entered, channel: store, destination: d}]")
    assert load_triggers(path, {"d": object()})[0].event == "Fitting Room Entered"


def test_the_same_id_twice_is_told(tmp_path: Path) -> None:
    item = "  - {id: t1, event: X, channel: push, destination: d}\n"
    path = tmp_path / "triggers.yaml"
    path.write_text("triggers:\n" + item + item)
    with pytest.raises(Fatal, match=r":3: The id 't1' is there twice"):
        load_triggers(path, {"d": object()})
