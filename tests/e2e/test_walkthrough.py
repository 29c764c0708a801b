"""docs/walkthrough.md does what it says, step by step, and leaves nothing of the shopper behind."""

import asyncio
import os
import re
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from rtp import wiring
from rtp.clock import system_clock
from rtp.services.run_state import read_run_state
from rtp.settings import Settings, checkout_root
from tests.conftest import temporary_settings
from tests.e2e.walkthrough import Shell, Step, differs, steps
from tests.waiting import until

PAGE = checkout_root() / "docs" / "walkthrough.md"
EMAIL = "chloe.brandt.4@example.com"


@pytest.fixture
def shop(tmp_path: Path) -> Settings:
    """An installation of its own, and a folder that looks like the checkout to who types relative paths."""
    (tmp_path / "tests").symlink_to(checkout_root() / "tests")
    return temporary_settings(tmp_path / "state")


@pytest.fixture
def shell(shop: Settings, tmp_path: Path) -> Iterator[Shell]:
    environment = os.environ | {
        "API": shop.api_url,
        "COLUMNS": "100",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "RTP_STATE_DIR": str(shop.state_dir),
        "RTP_API_PORT": str(shop.api_port),
        "RTP_DAGSTER_PORT": str(shop.dagster_port),
        "RTP_REDIS_PORT": str(shop.redis_port),
        "RTP_WORKER_PORT": str(shop.worker_port),
    }
    with Shell(environment, tmp_path) as opened:
        yield opened
        opened.type("rtp down")


@pytest.mark.timeout(900)
def test_a_shopper_is_followed_to_erasure_as_the_page_says(shop: Settings, shell: Shell) -> None:
    seen = "".join(typed(step, shop, shell) for step in steps(PAGE.read_text()))
    bought_at = datetime.fromisoformat(re.findall(r"last_purchase_at\W+(\S+)", seen)[-1])
    assert timedelta(hours=5) <= system_clock() - bought_at < timedelta(hours=6)
    assert mentions(shop.state_dir) == []


def typed(step: Step, shop: Settings, shell: Shell) -> str:
    """What the step printed; fails where the page says something else."""
    printed = shell.type(step.commands)
    if step.printed:
        assert differs(step.printed, printed) == "", step.commands
    until(lambda: is_settled(shop), what="the worker is done with what was sent", seconds=60.0)
    return printed


def is_settled(settings: Settings) -> bool:
    """Whether everything that was accepted has been folded; a page has the time that a person takes to type."""
    return read_run_state(settings) is None or asyncio.run(_pending(settings)) == 0


async def _pending(settings: Settings) -> int:
    client = wiring.redis_client(settings)
    try:
        return (await wiring.event_log(settings, client).accounting()).pending
    finally:
        await client.aclose()


def mentions(folder: Path) -> list[str]:
    """Files that hold the e-mail, as they lie or, of Parquet, unpacked."""
    found = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        unpacked = str(duckdb.sql(f"from '{path}'").fetchall()) if path.suffix == ".parquet" else ""
        if EMAIL.encode() in path.read_bytes() or EMAIL in unpacked:
            found.append(str(path.relative_to(folder)))
    return found


@pytest.mark.parametrize("printed", ["│ views │ 4 │", "│ views │ 3 │\nmore", "views │ 3 │", ""])
def test_what_the_page_does_not_say_is_told(printed: str) -> None:
    page = "…\n│ views … │ 3 │"
    assert differs(page, "┌───┐\nany\nline\n│ views_24h   │ 3 │\n") == ""
    assert differs(page, f"any\n{printed}") != ""
