"""Who is who in the lake, and in the live graph."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import redis.asyncio

from rtp.clock import from_micros
from rtp.identity.types import Identifier, IdentifierType
from rtp.settings import checkout_root
from rtp.stores.archive_schema import prepare_archives
from rtp.stores.consent_redis import RedisConsent
from rtp.stores.feeds.folder import load_folder
from rtp.stores.feeds.prepare import prepare_lake
from rtp.stores.fragments_redis import RedisFragments
from rtp.stores.identity_links import seed_consents, seed_identities, write_identity_links
from rtp.stores.identity_redis import RedisIdentityGraph
from rtp.stores.lake import Lake
from tests.making import KEYS, NOON


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake")
    prepare_lake(lake)
    prepare_archives(lake)
    return lake


def test_empty_feeds_give_empty_links(lake: Lake) -> None:
    assert write_identity_links(lake, KEYS).customers == []
    assert pq.read_table(lake.identity_link("customer_link")).num_rows == 0


async def test_links_are_written_for_the_warehouse_and_seed_the_live_graph(
    lake: Lake, redis_client: redis.asyncio.Redis
) -> None:
    load_folder(lake, checkout_root() / "tests" / "data" / "sample", now=datetime(2026, 1, 1, tzinfo=UTC))
    links = write_identity_links(lake, KEYS)
    table = pq.read_table(lake.identity_link("customer_link"))
    assert table.column_names == ["source", "customer_ref", "customer_id"]
    assert table.num_rows == len(links.customers) > 0
    graph = RedisIdentityGraph(redis_client, KEYS)
    made = await seed_identities(lake, graph, lambda: from_micros(NOON))
    assert made == len({customer for *_, customer in links.customers})
    assert await seed_identities(lake, graph, lambda: from_micros(NOON)) == 0
    shopper = await graph.resolve(Identifier(IdentifierType.USER_ID, "u00001"))
    assert shopper == await graph.resolve(Identifier(IdentifierType.CUSTOMER_REF, "pos:L00001"))
    consent = RedisConsent(redis_client, RedisFragments(redis_client))
    assert await seed_consents(lake, consent, sorted(lake.feed("consents").glob("*.parquet"))) > 0
    assert shopper is not None
    assert (await consent.read(shopper)).grants["personalization/all"].status == "granted"
