"""A mistake in a config file is told with its line and what was probably meant."""

from pathlib import Path
from typing import Literal

import msgspec
import pytest

from rtp.errors import Fatal
from rtp.yaml_config import mistake, read_config


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    channel: Literal["web", "email"] | None = None


class Items(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    items: tuple[Item, ...] = ()
    by_name: dict[str, Item] = {}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("items:\n  - name: a\n  - nmae: b\n", r":3: .*unknown field `nmae`", "Did you mean 'name'?"),
        ("items:\n  - name: a\n    channel: emial\n", r":3: Invalid enum value 'emial'", "Did you mean 'email'?"),
        ("items:\n  - name: a\n    channel: fax\n", r":3: Invalid enum value 'fax'", "Known: email, web."),
        ("items:\n\n  - channel: web\n", r":3: .*missing required field `name`", ""),
        ("by_name:\n  w:\n    name: a\n  x:\n    name: 3\n", r":5: Expected `str`, got `int` at by_name\.x\.name", ""),
        ("items: [\n", r":2: ", "Mend the YAML"),
        ("itmes: []\n", r":1: .*unknown field `itmes`", "Did you mean 'items'?"),
    ],
)
def test_a_mistake_is_told_with_line_and_suggestion(tmp_path: Path, text: str, message: str, hint: str) -> None:
    path = tmp_path / "items.yaml"
    path.write_text(text)
    with pytest.raises(Fatal, match=message) as caught:
        read_config(path, Items)
    assert hint in caught.value.hint


def test_a_right_file_is_read_and_an_empty_one_means_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "items.yaml"
    path.write_text("")
    assert read_config(path, Items) == Items()
    path.write_text("items: [{name: a, channel: web}]")
    assert read_config(path, Items).items == (Item("a", "web"),)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match=r"nowhere\.yaml cannot be read"):
        read_config(tmp_path / "nowhere.yaml", Items)


def test_a_later_check_names_the_line_too(tmp_path: Path) -> None:
    path = tmp_path / "items.yaml"
    path.write_text("items:\n  - name: a\n  - name: a\n")
    assert str(mistake(path, ["items", 1, "name"], "'a' is there twice.")).startswith(f"{path}:3: 'a'")
