"""The check of `feast/customer_live` against the archive, as Dagster runs it."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import redis.asyncio

from rtp.settings import Settings, checkout_root
from rtp_dagster.defs.features import equals_the_archive
from rtp_dagster.naming import feast_key
from tests.conftest import free_port
from tests.making import user_key
from tests.profile.shop import PARTITIONS, busy_shop


def settings_of(state: Path, redis_url: str) -> Settings:
    root = checkout_root()
    return Settings(root=root, state_dir=state, config_dir=root / "config", redis_url=redis_url, partitions=PARTITIONS)


def checked(settings: Settings) -> dg.AssetCheckResult:
    result = equals_the_archive(settings, lambda: datetime(2026, 1, 2, tzinfo=UTC))
    assert isinstance(result, dg.AssetCheckResult)
    return result


async def test_a_tampered_fragment_fails_the_check_which_names_the_feature_and_nobody(
    redis_client: redis.asyncio.Redis, redis_url: str, tmp_path: Path
) -> None:
    settings = settings_of(tmp_path, redis_url)
    shop = await busy_shop(redis_client, settings.lake_dir)
    sound = await asyncio.to_thread(checked, settings)
    assert sound.passed, sound.description
    assert sound.metadata["fragments compared"].value == 5
    await shop.tamper("u1", live={"acts": 99})
    broken = await asyncio.to_thread(checked, settings)
    assert (broken.passed, broken.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "1 of 5 customers" in str(broken.description)
    assert "events_total" in str(broken.description)
    assert user_key("u1") not in f"{broken.description} {broken.metadata}"
    away = await asyncio.to_thread(checked, settings_of(tmp_path, f"redis://127.0.0.1:{free_port()}/0"))
    assert (away.passed, away.severity) == (False, dg.AssetCheckSeverity.WARN), "nothing is said to differ"


def test_the_check_runs_in_every_refresh(graph: dg.Definitions) -> None:
    checks = graph.resolve_asset_graph().get_check_keys_for_assets({feast_key("customer_live")})
    assert {check.name for check in checks} == {"equals_the_archive"}
    assert "feast__customer_live_equals_the_archive" in graph.resolve_job_def("refresh").graph.node_dict
