"""A policy that cannot be meant is refused with its line; its content is its version."""

from pathlib import Path

import msgspec
import pytest

from rtp.decisioning.assignment import Experiment, Experiments, Variation, assign, load_experiments, variation_of
from rtp.decisioning.policy import Policy, load_policy
from rtp.errors import Fatal
from rtp.settings import checkout_root

POLICIES = checkout_root() / "config" / "policy"


@pytest.mark.parametrize("path", sorted(POLICIES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_policy_of_ours_can_be_read(path: Path) -> None:
    assert load_policy(path).version.startswith(f"{path.stem}-")


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (("most: 20", "most: 0"), ">= 1"),
        (("margin_floor_rate", "margin_flor_rate"), "margin_floor_rate"),
        (("kind: service", "kind: product"), "cannot be a fallback"),
        (("moment_minutes: 30", "moment_minutes: 31"), "<= 30"),
        (("name: default", "name: other"), "Name it"),
        (("  email:", "  fax:"), "fax"),
    ],
)
def test_a_mistake_is_told_with_its_file_and_line(tmp_path: Path, edit: tuple[str, str], said: str) -> None:
    path = tmp_path / "default.yaml"
    path.write_text((POLICIES / "default.yaml").read_text().replace(*edit, 1))
    with pytest.raises(Fatal) as error:
        load_policy(path)
    assert said in str(error.value)
    assert "default.yaml:" in str(error.value)


def test_the_version_follows_the_content_and_not_the_spelling() -> None:
    policy = load_policy(POLICIES / "default.yaml")
    assert msgspec.convert(msgspec.to_builtins(policy), Policy).version == policy.version
    assert msgspec.structs.replace(policy, recently_bought_days=9).version != policy.version


def test_variations_are_drawn_evenly_by_weight_and_independently() -> None:
    one, other = (
        Experiment(id=name, variations=[Variation(id="a", weight=3), Variation(id="b")]) for name in ("x", "y")
    )
    customers = [f"c{number}" for number in range(4_000)]
    drawn = [(variation_of(one, customer), variation_of(other, customer)) for customer in customers]
    share = sum(first == "a" for first, _ in drawn) / len(drawn)
    both = sum(pair == ("a", "a") for pair in drawn) / len(drawn)
    assert abs(share - 0.75) < 0.03
    assert abs(both - 0.5625) < 0.03


def test_experiments_are_optional_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "experiments.yaml"
    assert load_experiments(path) == Experiments()
    assert assign(Experiments(), "c1") == []
    path.write_text("experiments:\n  - id: e\n    variations: [{id: a}]\n")
    with pytest.raises(Fatal, match="at least two"):
        load_experiments(path)
    path.write_text("experiments:\n  - id: e\n    enabled: false\n    variations: [{id: a}, {id: b}]\n")
    found = load_experiments(path)
    assert assign(found, "c1") == []
    assert found.version != Experiments().version
