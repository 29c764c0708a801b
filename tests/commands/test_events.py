"""`rtp events` and `rtp replay` as an operator types them, on a real Redis and lake."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rtp import wiring
from rtp.cli import app
from rtp.clock import system_clock, to_micros
from rtp.settings import load_settings
from rtp.worker.assemble import open_archiver, open_worker
from tests.making import event

NOW = to_micros(system_clock())


@pytest.fixture
def shop(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two shoppers' events: folded, and archived."""
    monkeypatch.setenv("RTP_REDIS_URL", redis_url)
    monkeypatch.setenv("RTP_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("RTP_PARTITIONS", "2")
    asyncio.run(_happen())


async def _happen() -> None:
    from rtp.identity.types import Identifier, IdentifierType
    from rtp.signals.log import WORKER_GROUP

    settings = load_settings()
    client, keys = wiring.redis_client(settings), wiring.keyed_hash(settings)
    async with open_worker(settings) as parts:
        for user, name in (("u1", "Product Viewed"), ("u2", "Product Viewed"), ("u1", "Products Searched")):
            sent = event(f"{user} {name}", name, user_id=user, received_at=NOW, occurred_at=NOW)
            await parts.log.append([(keys.partition_key(Identifier(IdentifierType.USER_ID, user)), sent)])
        for partition in range(2):
            entries = await parts.log.read(WORKER_GROUP, "w", partition, count=9, block_ms=0)
            await parts.log.acknowledge(WORKER_GROUP, await parts.worker._processor.process(entries))
    await open_archiver(settings, client).flush()
    await client.aclose()


def rtp(*arguments: str) -> list[Any]:
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


@pytest.mark.usefixtures("shop")
def test_archived_events_are_shown_by_customer_and_type() -> None:
    assert len(rtp("events")) == 3
    assert [each["name"] for each in rtp("events", "--customer", "user_id:u1", "--type", "products searched")] == [
        "Products Searched"
    ]
    assert rtp("events", "--since", "2020-01-01", "--type", "page") == []


@pytest.mark.usefixtures("shop")
def test_a_replay_finds_nothing_to_change() -> None:
    result = CliRunner().invoke(app, ["replay", "--from", "1h", "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["fragments"], told["same"], told["events"], told["changed"]) == (2, 2, 3, 0)
    assert json.loads(CliRunner().invoke(app, ["replay", "--to", "1h", "--json"]).stdout)["fragments"] == 0
