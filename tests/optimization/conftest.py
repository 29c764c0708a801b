"""The small retailer, and a model trained on it."""

import pytest

from rtp.decisioning.policy import load_policy
from rtp.optimization.fit import Settings
from rtp.optimization.train import Trained, train
from rtp.settings import checkout_root
from tests.decisioning.conftest import NOW, catalog, shop

__all__ = ["catalog", "shop"]


@pytest.fixture(scope="session")
def trained(shop) -> Trained:
    policy = load_policy(checkout_root() / "config" / "policy" / "bench.yaml")
    settings = Settings(rounds=20, groups=400, threads=1, min_child_weight=1)
    return train(shop, policy, now=NOW, settings=settings)
