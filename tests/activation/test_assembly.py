"""The parts fit together as the worker uses them."""

from pathlib import Path

import pytest
from redis.asyncio import Redis

from rtp.activation.assembly import assemble_activation
from rtp.settings import checkout_root
from tests.activation.test_delivery import World
from tests.making import event


@pytest.mark.parametrize(("address", "effects"), [("", 0), ("https://receiver.test/hook", 1)])
def test_the_fold_gets_a_rule_that_causes_effects_only_for_destinations_with_an_address(
    redis_client: Redis, monkeypatch: pytest.MonkeyPatch, address: str, effects: int
) -> None:
    monkeypatch.setenv("RTP_ACTIVATION_WEBHOOK_URL", address)
    config: Path = checkout_root() / "config"
    world = World(redis_client, "http://unused.test")
    activation = assemble_activation(
        config,
        default_secret="whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0",
        decider=world,
        consent_of=world.consent_of,
        stock=world.stock,
        graph=world,  # type: ignore[arg-type]
        outbox=world.outbox,
        records=world.records,
        clock=world.clock,
    )
    added = event(name="Product Added")
    assert (added.name in activation.rule.events) is bool(effects)
    assert len(activation.rule.effects(added, {"product_views_24h": 1})) == effects
