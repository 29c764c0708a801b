"""Destinations: addresses and secrets come from the environment."""

from pathlib import Path

import pytest

from rtp.activation.destinations import active, load_destinations
from rtp.errors import Fatal


def write(tmp_path: Path, entry: str) -> Path:
    path = tmp_path / "destinations.yaml"
    path.write_text(f"destinations:\n  d: {entry}\n")
    return path


def test_an_address_from_the_environment_makes_it_active(tmp_path: Path) -> None:
    path = write(tmp_path, "{kind: webhook, url_env: URL}")
    assert active(load_destinations(path, default_secret="whsec_a", env={})) == {}
    (found,) = active(load_destinations(path, default_secret="whsec_a", env={"URL": "https://x.test"})).values()
    assert (found.url, found.secret) == ("https://x.test", "whsec_a")


def test_a_secret_of_its_own_comes_from_the_environment(tmp_path: Path) -> None:
    path = write(tmp_path, "{kind: webhook, url: 'https://x.test', secret_env: S}")
    assert load_destinations(path, default_secret="whsec_a", env={"S": "whsec_b"})["d"].secret == "whsec_b"
    with pytest.raises(Fatal, match="S is not set"):
        load_destinations(path, default_secret="whsec_a", env={})


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ("{kind: webhook}", "needs one of url and url_env"),
        ("{kind: webhook, url: 'ftp://x'}", "is not an http"),
        ("{kind: pigeon, url: 'https://x'}", "Invalid enum value 'pigeon'"),
        ("{kind: webhook, url: 'https://x', identifiers: [mail]}", "Invalid enum value 'mail'"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, entry: str, what: str) -> None:
    with pytest.raises(Fatal, match=rf"destinations\.yaml:[12]: .*{what}"):
        load_destinations(write(tmp_path, entry), default_secret="s", env={})
