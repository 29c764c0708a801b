"""Keys: made once, readable by their owner only, overridden by the environment."""

import json
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rtp.errors import Fatal
from rtp.settings import Settings
from rtp.stores.keyring import ALL_SCOPES, WriteKey, keyring_path, load_keyring

RACE = """
from rtp.settings import load_settings
from rtp.stores.keyring import load_keyring
print(load_keyring(load_settings()).server)
"""


def test_the_file_is_made_once_and_only_its_owner_can_read_it(settings: Settings) -> None:
    first, second = load_keyring(settings, {}), load_keyring(settings, {})
    assert first == second
    assert stat.S_IMODE(keyring_path(settings).stat().st_mode) == 0o600
    assert first.server_keys[first.server].scopes == ALL_SCOPES
    assert first.webhook_secret.startswith("whsec_")
    assert [path.name for path in settings.state_dir.iterdir()] == ["keys.json"]


def test_processes_that_race_for_the_first_use_get_the_same_keys(tmp_path: Path) -> None:
    def race(_: int) -> str:
        environment = {"RTP_STATE_DIR": str(tmp_path / "state"), "PATH": "/usr/bin:/bin"}
        return subprocess.check_output([sys.executable, "-c", RACE], env=environment, text=True).strip()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(race, range(4)))) == 1


def test_the_environment_overrides_and_the_replaced_key_stops_working(settings: Settings) -> None:
    stored = load_keyring(settings, {})
    ring = load_keyring(settings, {"RTP_WRITE_KEY": "wk_env", "RTP_SERVER_KEY": "sk_env"})
    assert (ring.write, ring.server) == ("wk_env", "sk_env")
    assert stored.write not in ring.write_keys
    assert stored.server not in ring.server_keys
    assert ring.identity_secret == stored.identity_secret


def test_with_everything_in_the_environment_no_file_is_written(settings: Settings) -> None:
    ring = load_keyring(
        settings,
        {
            "RTP_WRITE_KEY": "wk",
            "RTP_SERVER_KEY": "sk",
            "RTP_IDENTITY_SECRET": "0123456789abcdef",
            "RTP_WEBHOOK_SECRET": "whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0",
        },
    )
    assert ring.identity_secret == b"0123456789abcdef"
    assert not keyring_path(settings).exists()


def test_a_damaged_file_is_refused_by_name(settings: Settings) -> None:
    load_keyring(settings, {})
    keyring_path(settings).write_text("{")
    with pytest.raises(Fatal, match=r"keys\.json cannot be read"):
        load_keyring(settings, {})


def test_the_file_can_hold_more_keys_than_the_first(settings: Settings) -> None:
    load_keyring(settings, {})
    content = json.loads(keyring_path(settings).read_text())
    content["serverKeys"]["sk_tablet"] = {"scopes": ["lookup", "associate"], "storeId": "367"}
    keyring_path(settings).write_text(json.dumps(content))
    assert load_keyring(settings, {}).server_keys["sk_tablet"].store_id == "367"


@pytest.mark.parametrize(
    ("origins", "origin", "admitted"),
    [
        (("https://shop.example",), "https://shop.example", True),
        (("https://shop.example",), "https://shop.example.evil.test", False),
        (("http://localhost",), "http://localhost:8000", True),
        (("http://localhost:3000",), "http://localhost:8000", False),
        (("*",), "https://anywhere.test", True),
    ],
)
def test_a_write_key_admits_only_its_pages(origins: tuple[str, ...], origin: str, admitted: bool) -> None:
    assert WriteKey(origins=origins).admits(origin) is admitted
