"""`rtp deadletters`, as an operator types it, on a real Redis."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rtp.cli import app
from rtp.errors import Rejected
from rtp.signals.rejection import Rejection
from rtp.stores.connections import connect
from rtp.stores.record_stream import RedisRejectedLog
from tests.making import NOON

BODIES = [b'{"event": "Signed In", "messageId": "m%d", "traits": {"firstName": "Zoe"}}' % number for number in range(3)]


@pytest.fixture
def ids(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three events without identity wait."""
    monkeypatch.setenv("RTP_REDIS_URL", redis_url)
    monkeypatch.setenv("RTP_STATE_DIR", str(tmp_path / "state"))
    rejections = [
        Rejection(reason="NO_IDENTITY", message="Who?", body=body, received_at=NOON, call="track") for body in BODIES
    ]

    async def store() -> None:
        client = connect(redis_url)
        await RedisRejectedLog(client).append(rejections)
        await client.aclose()

    asyncio.run(store())
    return [each.rejection_id for each in rejections]


def rtp(*arguments: str, code: int = 0) -> Any:
    result = CliRunner().invoke(app, ["deadletters", *arguments, "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.output)


def waiting() -> set[str]:
    return {each["id"] for each in rtp("list")["deadletters"]}


def test_counted_listed_and_shown(ids: list[str]) -> None:
    assert [(each["reason"], each["count"]) for each in rtp()["reasons"]] == [("NO_IDENTITY", 3)]
    listed = rtp("list")
    assert {each["id"] for each in listed["deadletters"]} == set(ids)
    assert "Zoe" not in json.dumps(listed)
    assert rtp("show", ids[1])["body"]["traits"]["firstName"] == "Zoe"


def test_mended_by_a_value_and_by_a_file(ids: list[str], tmp_path: Path) -> None:
    assert rtp("retry", ids[0], "--set", "userId=u1")["putThrough"] == 1
    assert waiting() == set(ids[1:])
    file = tmp_path / "letters.jsonl"
    assert rtp("export", "--out", str(file))["exported"] == 2
    assert file.stat().st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    lines[0]["body"]["userId"] = "u2"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    answer = rtp("retry", "--file", str(file), code=1)
    assert (answer["putThrough"], [each["id"] for each in answer["refused"]]) == (1, [lines[1]["id"]])
    assert waiting() == {lines[1]["id"]}


def test_a_retry_says_which(ids: list[str]) -> None:
    result = CliRunner().invoke(app, ["deadletters", "retry"])
    assert isinstance(result.exception, Rejected)
    assert rtp("retry", "--all", "--set", "userId=u1")["putThrough"] == len(ids)
    assert rtp()["count"] == 0
